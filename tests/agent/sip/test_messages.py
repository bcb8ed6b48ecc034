import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.headers import Headers
from agent.sip.messages import Request, Response, first_of_singles, response_to
from agent.sip.parsing import parse_datagram
from tests.support.sip import parsed, wire

TOKEN = st.text(alphabet="abcXYZ019-.!%*_+`'~", min_size=1, max_size=12)
TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=30).map(str.strip)
EXTRA = st.lists(
    st.tuples(st.sampled_from(["Subject", "X-Note", "Accept", "Warning", "User-Agent"]), TEXT), max_size=8
)


@given(
    method=TOKEN,
    user=TOKEN,
    tag=TOKEN,
    number=st.integers(0, 2**32 - 1),
    extra=EXTRA,
    body=st.binary(max_size=200),
)
def test_requests_survive_encoding_and_parsing(method, user, tag, number, extra, body) -> None:
    request = Request(
        method,
        f"sip:{user}@example.org",
        Headers([
            ("Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{tag}"),
            ("From", f"<sip:{user}@example.org>;tag={tag}"),
            ("To", "<sip:b@example.org>"),
            ("Call-ID", tag),
            ("CSeq", f"{number} {method}"),
            *extra,
        ]),
        body,
    )  # fmt: skip
    again = parse_datagram(request.encode())
    assert isinstance(again, Request)
    assert (again.method, again.uri, again.body) == (method, request.uri, body)
    assert [item for item in again.headers if item[0] != "Content-Length"] == request.headers.items
    assert again.encode() == request.encode()


@given(status=st.integers(100, 699), reason=TEXT, body=st.binary(max_size=50))
def test_responses_survive_encoding_and_parsing(status, reason, body) -> None:
    response = response_to(parsed(wire()).headers, status, reason, to_tag="t1", body=body)
    again = parse_datagram(response.encode())
    assert isinstance(again, Response)
    assert (again.status, again.reason, again.body) == (status, reason, body)
    assert again.to.tag == "t1"


def test_response_copies_what_it_must() -> None:
    request = parsed(
        wire(
            "SUBSCRIBE",
            "Via: SIP/2.0/TCP proxy.example.org;branch=z9hG4bK2",
            "Record-Route: <sip:p;lr>",
            "Subject: x",
        )
    )
    response = response_to(request.headers, 200, to_tag="new", headers=[("Expires", "60")])
    assert response.headers.get_all("Via") == request.headers.get_all("Via")
    assert len(response.headers.get_all("Via")) == 2
    for name in ("From", "Call-ID", "CSeq"):
        assert response.headers.get(name) == request.headers.get(name)
    assert response.to.tag == "new"
    assert "Subject" not in response.headers
    assert response.headers.get("Expires") == "60"


@pytest.mark.parametrize("to", ["<sip:b@x>;tag=old", "sip:b@x;Tag=old", '"tag" <sip:b@x>;tag=old'])
def test_a_to_tag_that_is_there_stays(to: str) -> None:
    response = response_to(parsed(wire(to=to)).headers, 200, to_tag="new")
    assert response.to.tag == "old"


def test_a_name_that_looks_like_a_tag_is_none() -> None:
    response = response_to(parsed(wire(to='"tag=x" <sip:b@x;tag=y>')).headers, 200, to_tag="new")
    assert response.to.tag == "new"


def test_values_follow_their_header_lines() -> None:
    request = parsed(wire())
    assert request.cseq.number == 1
    request.headers.set("CSeq", "2 OPTIONS")
    assert request.cseq.number == 2
    assert request.via is request.via


def test_content_length_is_always_the_bodys() -> None:
    request = Request("MESSAGE", "sip:a@b", Headers([("Content-Length", "999")]), "ü".encode())
    assert request.encode().count(b"Content-Length") == 1
    assert b"Content-Length: 2\r\n" in request.encode()


@pytest.mark.parametrize("value", ["x\r\nInjected: 1", "x\nInjected: 1", "x\r\n\r\nbody"])
def test_no_text_becomes_another_header(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        Request("MESSAGE", "sip:a@b", Headers([("Subject", value)])).encode()
    with pytest.raises(ValueError, match="line break"):
        Response(200, f"OK {value}").encode()


def test_content_type_without_parameters() -> None:
    assert parsed(wire("MESSAGE", "Content-Type: Text/Plain;charset=utf-8")).content_type == "text/plain"
    assert parsed(wire()).content_type is None


def test_unknown_status_has_a_reason() -> None:
    assert Response(299).reason
    assert repr(Response(200)) == "<Response 200 OK>"
    assert repr(Request("PUBLISH", "sip:a@b")) == "<Request PUBLISH sip:a@b>"


def test_first_of_singles_keeps_lists() -> None:
    headers = Headers([("Via", "1"), ("Via", "2"), ("CSeq", "1 A"), ("CSeq", "2 B")])
    assert first_of_singles(headers).items == [("Via", "1"), ("Via", "2"), ("CSeq", "1 A")]
