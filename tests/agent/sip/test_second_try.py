"""What is sent after a refusal that says how to ask better."""

from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.second_try import MOST_PLACES, SecondTries

ALICE = "sip:alice@example.org"


def request(uri: str = ALICE, *headers: tuple[str, str], to: str = f"<{ALICE}>") -> Request:
    items = [("From", "<sip:bob@example.org>;tag=b"), ("To", to), ("Call-ID", "c"), ("CSeq", "7 SUBSCRIBE")]
    return Request("SUBSCRIBE", uri, Headers([*items, *headers]))


def response(status: int, *headers: tuple[str, str]) -> Response:
    return Response(status, headers=Headers(headers))


def moved(*contacts: str) -> Response:
    return response(302, *(("Contact", contact) for contact in contacts))


def test_places_are_tried_by_their_quality_each_once() -> None:
    tries, sent, places = SecondTries(None), request(), []
    answer = moved("<sip:c@192.0.2.3>;q=0.2, <sip:a@192.0.2.1>", "<sip:b@192.0.2.2>;q=0.5", f"<{ALICE}>")
    while (attempt := tries.after(sent, answer)) is not None:
        sent, answer = attempt.request, response(480)
        places.append((sent.uri, sent.cseq.number))
    assert places == [("sip:a@192.0.2.1", 8), ("sip:b@192.0.2.2", 9), ("sip:c@192.0.2.3", 10)]
    assert sent.call_id == "c" and sent.to.uri == ALICE


def test_there_is_an_end_to_it() -> None:
    tries, sent, count = SecondTries(None), request(), 0
    while (attempt := tries.after(sent, moved(f"<sip:x@192.0.2.{count + 1}>"))) is not None:
        sent, count = attempt.request, count + 1
    assert count == MOST_PLACES


def test_the_way_back_to_where_it_came_from_is_not_taken() -> None:
    tries = SecondTries(None)
    assert tries.after(request(), moved("<SIP:alice@EXAMPLE.ORG>")) is None


def test_a_secure_address_is_not_left_for_an_open_one() -> None:
    attempt = SecondTries(None).after(
        request("sips:alice@example.org"), moved("<sip:a@192.0.2.1>", "<sips:a@192.0.2.2>;q=0.1")
    )
    assert attempt is not None and attempt.request.uri == "sips:a@192.0.2.2"


def test_other_schemes_and_nonsense_are_passed_over() -> None:
    assert SecondTries(None).after(request(), moved("<tel:+15551234>", "<", "*")) is None


def test_a_proxy_is_asked_about_the_same_address() -> None:
    attempt = SecondTries("sip:192.0.2.9").after(request(), response(305, ("Contact", "<sip:192.0.2.8;lr>")))
    assert attempt is not None
    assert (attempt.request.uri, attempt.next_hop) == (ALICE, "sip:192.0.2.8;lr")


def test_the_next_hop_was_meant_for_the_first_place_only() -> None:
    attempt = SecondTries("sip:192.0.2.9").after(request(), moved("<sip:a@192.0.2.1>"))
    assert attempt is not None and attempt.next_hop is None


def test_within_a_dialog_nothing_is_followed() -> None:
    assert SecondTries(None).after(request(to=f"<{ALICE}>;tag=x"), moved("<sip:a@192.0.2.1>")) is None


def test_header_parts_of_a_contact_are_not_taken() -> None:
    attempt = SecondTries(None).after(request(), moved("<sip:a@192.0.2.1?Subject=x>"))
    assert attempt is not None and attempt.request.uri == "sip:a@192.0.2.1"


def test_unsupported_extensions_are_left_out_once() -> None:
    tries = SecondTries(None)
    attempt = tries.after(request(ALICE, ("Require", "foo")), response(420, ("Unsupported", "FOO")))
    assert attempt is not None and "Require" not in attempt.request.headers
    assert attempt.request.cseq.number == 8
    assert tries.after(attempt.request, response(420, ("Unsupported", "foo"))) is None


def test_420_about_something_else_is_final() -> None:
    assert SecondTries(None).after(request(), response(420, ("Unsupported", "foo"))) is None


def test_a_presence_uri_is_tried_as_sip_a_secure_one_never_in_the_open() -> None:
    attempt = SecondTries(None).after(request("pres:alice@example.org"), response(416))
    assert attempt is not None and attempt.request.uri == ALICE
    assert SecondTries(None).after(request("sips:alice@example.org"), response(416)) is None


def test_about_the_body_nothing_is_tried_here() -> None:
    for status in (413, 415):
        assert SecondTries(None).after(request(), response(status, ("Accept", "x/y"))) is None
