import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.errors import MessageError
from agent.sip.messages import Request, Response
from agent.sip.parsing import Limits, parse_datagram
from tests.support.sip import answer, lines, parsed, wire


def refusal(data: bytes, limits: Limits = Limits()) -> MessageError:  # noqa: B008 - a frozen value
    with pytest.raises(MessageError) as caught:
        parse_datagram(data, limits)
    return caught.value


def test_compact_and_long_names_mean_the_same() -> None:
    compact = lines(
        "SUBSCRIBE sip:bob@example.org SIP/2.0",
        "v: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK1",
        "f: <sip:alice@example.org>;tag=1",
        "t: <sip:bob@example.org>",
        "i: call-1",
        "CSEQ: 1 SUBSCRIBE",
        "m: <sip:alice@192.0.2.50>",
        "o: presence",
        "u: presence",
        "k: eventlist",
        "c: text/plain",
        "e: identity",
        "s: x",
        "x: 90",
        "l: 0",
    )
    names = [name for name, _ in parsed(compact).headers]
    assert names == [
        "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Event", "Allow-Events", "Supported", "Content-Type",
        "Content-Encoding", "Subject", "Session-Expires", "Content-Length",
    ]  # fmt: skip


def test_folded_lines_are_one_blank() -> None:
    request = parsed(wire("OPTIONS", "Subject: I know\r\n you're there,\r\n\t pick up"))
    assert request.headers.get("Subject") == "I know you're there, pick up"


def test_a_folded_line_needs_a_line_before_it() -> None:
    data = wire()
    start = data.index(b"\r\n")
    assert refusal(data[:start] + b"\r\n folded" + data[start:]).reason == "Bad Header Folding"


def test_malformed_headers_that_nobody_needs_are_no_reason_to_refuse() -> None:
    request = parsed(
        wire(
            "OPTIONS", "Date: yesterday", "Warning: nonsense", "X-Y: ;;,,", "Contact: <<>>", "Retry-After: ;"
        )
    )
    assert request.headers.get("Date") == "yesterday"


@pytest.mark.parametrize("missing", ["From", "To", "Call-ID", "CSeq", "Via"])
def test_missing_header(missing: str) -> None:
    kept = [line for line in wire().decode().split("\r\n") if not line.startswith(missing + ":")]
    error = refusal("\r\n".join(kept).encode())
    assert (error.status, error.is_request) == (400, True)
    assert missing in error.reason


def test_max_forwards_may_be_missing() -> None:
    assert "Max-Forwards" not in parsed(wire().replace(b"Max-Forwards: 70\r\n", b"")).headers


@pytest.mark.parametrize(
    "extra",
    [
        "CSeq: 2 OPTIONS",
        "From: <sip:x@y>;tag=2",
        "To: <sip:x@y>",
        "Call-ID: other",
        "Max-Forwards: 3",
        "Content-Length: 9",
    ],
)
def test_duplicate_single_value_headers(extra: str) -> None:
    assert refusal(wire("OPTIONS", extra)).status == 400


def test_duplicate_event_or_expires() -> None:
    assert refusal(wire("SUBSCRIBE", "Event: presence", "o: dialog")).status == 400
    assert refusal(wire("SUBSCRIBE", "Expires: 1", "Expires: 2")).status == 400


def test_cseq() -> None:
    assert refusal(wire(cseq=2**32)).status == 400
    assert refusal(wire("OPTIONS", cseq_method="INVITE")).status == 400
    assert parsed(wire(cseq=2**32 - 1)).cseq.number == 2**32 - 1


def test_version() -> None:
    assert refusal(wire().replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1)).status == 505
    assert refusal(wire().replace(b"SIP/2.0\r\n", b"HTTP/1.1\r\n", 1)).status == 400
    assert parsed(wire().replace(b"SIP/2.0\r\n", b"sip/2.0\r\n", 1)).method == "OPTIONS"


@pytest.mark.parametrize(
    "start",
    ["", "OPTIONS", "OPTIONS sip:a@b", "OPTIONS  sip:a@b SIP/2.0", "OPTIONS sip:a@b  SIP/2.0", "OPTIONS a:b SIP/2.0 ",
     "OPTIONS <sip:a@b> SIP/2.0", "OPT(IONS sip:a@b SIP/2.0", "OPTIONS sip:a b@c SIP/2.0", "OPTIONS bob SIP/2.0",
     "OPTIONS sip:2001:db8::10 SIP/2.0", "OPTIONS sip:a@ SIP/2.0"],
)  # fmt: skip
def test_bad_request_lines(start: str) -> None:
    data = wire()
    assert refusal(start.encode() + data[data.index(b"\r\n") :]).status == 400


@pytest.mark.parametrize("status", ["99", "700", "4294967301", "20", "2000", "abc", "2００", ""])
def test_bad_status_lines_are_no_requests(status: str) -> None:
    response = answer(wire()).replace(b"SIP/2.0 200", f"SIP/2.0 {status}".encode(), 1)
    assert not refusal(response).is_request


def test_reason_may_be_empty_or_absent() -> None:
    for start in (b"SIP/2.0 200 ", b"SIP/2.0 200"):
        response = parse_datagram(answer(wire()).replace(b"SIP/2.0 200 OK", start, 1))
        assert isinstance(response, Response)
        assert (response.status, response.reason) == (200, "")


# -- bodies and Content-Length ---------------------------------------------------------------------------------


def test_bytes_past_content_length_are_dropped() -> None:
    assert parsed(wire(body=b"hello", length=2)).body == b"he"


def test_body_shorter_than_content_length() -> None:
    assert refusal(wire(body=b"hello", length=6)).status == 400
    assert not refusal(answer(wire()).replace(b"Content-Length: 0", b"Content-Length: 5")).is_request


def test_no_content_length_means_to_the_end() -> None:
    assert parsed(wire(body=b"hello", length=None)).body == b"hello"


@pytest.mark.parametrize("value", ["-1", "five", "", "1 2", "0x5", "9" * 5000, "٣"])
def test_bad_content_length(value: str) -> None:
    data = wire(body=b"hello", length=None).replace(
        b"\r\n\r\n", f"\r\nContent-Length: {value}\r\n\r\n".encode()
    )
    assert refusal(data).status == 400


def test_line_ends_before_the_start_line_are_skipped() -> None:
    assert parsed(b"\r\n\r\n" + wire()).method == "OPTIONS"


def test_bare_line_feeds_throughout_are_tolerated() -> None:
    request = parsed(wire("MESSAGE", body=b"a\n\nb").replace(b"\r\n", b"\n"))
    assert (request.call_id, request.body) == ("call-1", b"a\n\nb")


@pytest.mark.parametrize("value", ["x\ny", "x\ry", "x\nVia: SIP/2.0/UDP evil"])
def test_a_line_end_of_another_kind_is_no_part_of_a_value(value: str) -> None:
    assert refusal(wire("OPTIONS", f"Subject: {value}")).status == 400


def test_message_cut_within_a_header() -> None:
    data = wire("SUBSCRIBE", "Expires: 3600", length=None)
    assert refusal(data[: data.index(b"3600") + 2]).status == 400


# -- limits ----------------------------------------------------------------------------------------------------


def test_largest_datagram_is_accepted() -> None:
    room = 65_535 - len(wire("MESSAGE", body=b"", length=60_000))
    body = b"x" * room
    assert parsed(wire("MESSAGE", body=body)).body == body


def test_too_large_a_message_can_still_be_answered() -> None:
    error = refusal(wire("MESSAGE", body=b"x" * 70_000))
    assert error.status == 513
    assert error.headers is not None and error.headers.get("Call-ID") == "call-1"


def test_a_hundred_headers_are_accepted_and_no_more() -> None:
    extra = [f"X-{n}: {n}" for n in range(93)]
    assert len(parsed(wire("OPTIONS", *extra)).headers) == 100
    assert refusal(wire("OPTIONS", *extra, "X-More: 1")).status == 513


def test_long_lines() -> None:
    assert parsed(wire("OPTIONS", "Subject: " + "x" * 8_000)).method == "OPTIONS"
    assert refusal(wire("OPTIONS", "Subject: " + "x" * 8_200)).status == 513
    assert refusal(wire("OPTIONS", "Subject: x" + "\r\n y" * 5_000)).status == 513
    assert refusal(wire(uri="sip:" + "x" * 9_000 + "@example.org")).status == 414


def test_limits_are_parameters() -> None:
    tight = Limits(message=400, headers=7, line=60)
    assert isinstance(parse_datagram(wire(), tight), Request)
    assert refusal(wire("OPTIONS", "A: 1"), tight).status == 513


def test_what_could_be_read_comes_with_the_error() -> None:
    error = refusal(wire("OPTIONS", "no colon here", "Subject: later"))
    assert error.headers is not None
    assert error.headers.get("Subject") == "later"
    assert error.method == "OPTIONS"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["Via", "v", "VIA", "Event", "o", "X-Odd", "x-odd", "Accept", "SIP-ETag", "sip-etag"]
            ),
            st.text(alphabet='abc;, <>"\t:=é', max_size=12),
        ),
        max_size=8,
    )
)
def test_headers_read_in_one_pass_read_like_those_read_line_by_line(headers: list[tuple[str, str]]) -> None:
    start = wire().removesuffix(b"\r\n\r\n")
    lines = "".join(f"\r\n{name}:{value}" for name, value in headers).encode()
    odd = b"\r\nLast :1"  # a blank before the colon: then every line is read by itself

    def reading(data: bytes) -> tuple[list[tuple[str, str]], object]:
        try:
            return list(parse_datagram(data + b"\r\n\r\n").headers), None
        except MessageError as error:
            return list(error.headers or ()), (error.status, error.reason)

    plain, long_way = reading(start + lines + b"\r\nLast:1"), reading(start + lines + odd)
    assert plain == long_way
