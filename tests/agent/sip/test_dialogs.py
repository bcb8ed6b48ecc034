import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.dialogs import Dialog, Sequence, without_tag
from agent.sip.messages import Response, response_to
from agent.sip.parsing import parse_datagram
from agent.sip.values import parse_name_addr
from tests.support.sip import parsed, wire

SUBSCRIBE = parsed(
    wire(
        "SUBSCRIBE",
        "Contact: <sip:alice@192.0.2.50:5060;transport=udp>",
        "Record-Route: <sip:p2.example.org;lr>, <sip:p1.example.org;lr>",
        "Record-Route: <sip:p0.example.org;lr;x=1>",
        cseq=10,
    )
)


def test_as_uas() -> None:
    dialog = Dialog.as_uas(SUBSCRIBE, "b1")
    assert dialog.key == ("call-1", "b1", "a1")
    assert dialog.remote_target == "sip:alice@192.0.2.50:5060;transport=udp"
    assert dialog.remote_cseq == 10
    assert dialog.route_set == (
        "<sip:p2.example.org;lr>",
        "<sip:p1.example.org;lr>",
        "<sip:p0.example.org;lr;x=1>",
    )
    assert (dialog.local_uri, dialog.remote_uri) == ("<sip:bob@example.org>", "<sip:alice@example.org>")


def test_requests_of_ours_follow_the_route_set_with_rising_cseq() -> None:
    dialog, first = Dialog.as_uas(SUBSCRIBE, "b1").request("NOTIFY", [("Event", "presence")])
    dialog, second = dialog.request("NOTIFY", [])
    assert first.uri == "sip:alice@192.0.2.50:5060;transport=udp"
    assert first.headers.get_all("Route") == list(dialog.route_set)
    assert (first.cseq.number, second.cseq.number) == (1, 2)
    assert (first.from_.tag, first.to.tag, first.call_id) == ("b1", "a1", "call-1")
    assert first.headers.get("Max-Forwards") == "70"
    assert dialog.next_hop == "sip:p2.example.org;lr"


def test_a_strict_router_in_the_route_set() -> None:
    request = parsed(
        wire("SUBSCRIBE", "Contact: <sip:a@c>", "Record-Route: <sip:strict.example.org>, <sip:p1;lr>")
    )
    dialog, notify = Dialog.as_uas(request, "b1").request("NOTIFY", [])
    assert notify.uri == dialog.next_hop == "sip:strict.example.org"
    assert notify.headers.get_all("Route") == ["<sip:p1;lr>", "<sip:a@c>"]


def test_no_route_set_no_route() -> None:
    dialog, notify = Dialog.as_uas(parsed(wire("SUBSCRIBE", "Contact: <sip:a@c>")), "b1").request(
        "NOTIFY", []
    )
    assert "Route" not in notify.headers
    assert dialog.next_hop == "sip:a@c"


@pytest.mark.parametrize(
    "contact", [(), ("Contact: <sip:a@b>, <sip:c@d>",), ("Contact: *",), ("Contact: <sip:a",)]
)
def test_unusable_contact(contact: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        Dialog.as_uas(parsed(wire("SUBSCRIBE", *contact)), "b1")


def test_refresh_moves_the_target_and_keeps_the_routes() -> None:
    dialog = Dialog.as_uas(SUBSCRIBE, "b1")
    refresh = parsed(
        wire(
            "SUBSCRIBE",
            "Contact: <sip:alice@192.0.2.77>",
            "Record-Route: <sip:other;lr>",
            to="<sip:bob@example.org>;tag=b1",
            cseq=15,
        )
    )
    moved, sequence = dialog.take_request(refresh)
    assert sequence is Sequence.NEXT
    assert (moved.remote_target, moved.remote_cseq) == ("sip:alice@192.0.2.77", 15)
    assert moved.route_set == dialog.route_set


def test_lower_cseq_touches_nothing() -> None:
    dialog = Dialog.as_uas(SUBSCRIBE, "b1")
    same, sequence = dialog.take_request(parsed(wire("SUBSCRIBE", "Contact: <sip:x@y>", cseq=9)))
    assert sequence is Sequence.OUT_OF_ORDER
    assert same == dialog


def test_cseq_may_begin_at_zero() -> None:
    dialog = Dialog.as_uas(parsed(wire("SUBSCRIBE", "Contact: <sip:a@b>", cseq=0)), "b1")
    _, sequence = dialog.take_request(parsed(wire("SUBSCRIBE", "Contact: <sip:a@b>", cseq=1)))
    assert sequence is Sequence.NEXT


def test_a_request_without_contact_keeps_the_target() -> None:
    dialog = Dialog.as_uas(SUBSCRIBE, "b1")
    assert dialog.take_request(parsed(wire("NOTIFY", cseq=11)))[0].remote_target == dialog.remote_target


def accepted() -> Response:
    headers = [
        ("Contact", "<sip:server.example.org>"),
        ("Record-Route", "<sip:p2;lr>"),
        ("Record-Route", "<sip:p1;lr>"),
    ]
    response = parse_datagram(response_to(SUBSCRIBE.headers, 200, to_tag="b1", headers=headers).encode())
    assert isinstance(response, Response)
    return response


def test_as_uac_from_the_response() -> None:
    dialog = Dialog.as_uac(SUBSCRIBE, accepted())
    assert dialog.key == ("call-1", "a1", "b1")
    assert dialog.route_set == ("<sip:p1;lr>", "<sip:p2;lr>")
    assert (dialog.remote_target, dialog.local_cseq) == ("sip:server.example.org", 10)


def test_as_uac_from_a_notify_that_overtook_the_response() -> None:
    """RFC 6665 §4.4.1: the NOTIFY makes the dialog; its Record-Route is read as a UAS reads it."""
    notify = parsed(
        wire(
            "NOTIFY",
            "Contact: <sip:server.example.org>",
            "Record-Route: <sip:p1;lr>",
            "Record-Route: <sip:p2;lr>",
            from_="<sip:bob@example.org>;tag=b1",
            to="<sip:alice@example.org>;tag=a1",
            cseq=3,
        )
    )
    early, late = Dialog.as_uac(SUBSCRIBE, notify), Dialog.as_uac(SUBSCRIBE, accepted())
    assert early.key == late.key and early.route_set == late.route_set
    assert early.remote_target == late.remote_target
    assert early.remote_cseq == 3
    assert early.take_request(notify)[1] is Sequence.NEXT
    _, refresh = early.request("SUBSCRIBE", [])
    assert refresh.cseq.number == 11


def test_without_tag_keeps_what_else_there_is() -> None:
    assert (
        without_tag('"Bob \\"B\\"" <sip:bob@x;user=phone>;tag=1;epid="a b"')
        == '"Bob \\"B\\"" <sip:bob@x;user=phone>;epid="a b"'
    )
    assert without_tag("sip:bob@example.org;tag=1") == "<sip:bob@example.org>"
    assert without_tag("Bell, Alexander <sip:a@b>;tag=4") == '"Bell, Alexander" <sip:a@b>'


NAME = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=12)


@given(display=NAME, value=NAME.filter(lambda text: '"' not in text and "\\" not in text))
def test_without_tag_reads_back(display: str, value: str) -> None:
    quoted = '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'
    before = parse_name_addr(f'{quoted} <sip:a@b>;x="{value}";tag=t')
    after = parse_name_addr(without_tag(f'{quoted} <sip:a@b>;x="{value}";tag=t'))
    assert (after.display, after.uri, after.params) == (before.display, before.uri, {"x": before.params["x"]})
