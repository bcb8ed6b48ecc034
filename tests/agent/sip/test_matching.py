import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.errors import MessageError
from agent.sip.matching import cancel_key, merge_key, scan_response, server_key
from agent.sip.messages import Response
from agent.sip.parsing import parse_datagram
from tests.support.sip import answer, lines, parsed, wire

OLD_VIA = "SIP/2.0/UDP old.example.com"


def key(*args: str, **kwargs) -> tuple[str, ...]:
    return server_key(parsed(wire(*args, **kwargs)))


def test_branch_sent_by_and_method_make_the_key() -> None:
    assert key(via="SIP/2.0/UDP h;branch=z9hG4bKa") == key(
        via="SIP/2.0/UDP H;branch=z9hG4bKa", call_id="other"
    )
    assert key(via="SIP/2.0/UDP h;branch=z9hG4bKa") != key(via="SIP/2.0/UDP h;branch=z9hG4bKb")
    assert key(via="SIP/2.0/UDP h;branch=z9hG4bKa") != key(via="SIP/2.0/UDP h:5062;branch=z9hG4bKa")
    assert key("OPTIONS") != key("MESSAGE")


@pytest.mark.parametrize("via", [OLD_VIA, OLD_VIA + ";branch=1", OLD_VIA + ";branch=z9hG4bK"])
def test_without_cookie_the_old_rules_hold(via: str) -> None:
    """RFC 3261 §17.2.3: Request-URI, tags, Call-ID, CSeq and the top Via."""
    base = key(via=via)
    assert key(via=via) == base
    assert key(via=via, call_id="other") != base
    assert key(via=via, cseq=2) != base
    assert key(via=via, from_="<sip:alice@example.org>;tag=a2") != base
    assert key(via=via, to="<sip:bob@example.org>;tag=x") != base
    assert key(via=via, uri="sip:carol@example.org") != base
    assert key(via=via + ";x=1") != base


@pytest.mark.parametrize("via", ["SIP/2.0/UDP h;branch=z9hG4bKa", OLD_VIA])
def test_ack_matches_its_invite(via: str) -> None:
    invite = key("INVITE", via=via)
    assert key("ACK", via=via, to="<sip:bob@example.org>;tag=b1") == invite


@pytest.mark.parametrize("via", ["SIP/2.0/UDP h;branch=z9hG4bKa", OLD_VIA])
def test_cancel_aims_at_its_request(via: str) -> None:
    cancel = parsed(wire("CANCEL", via=via))
    assert cancel_key(cancel, "SUBSCRIBE") == key("SUBSCRIBE", via=via)
    assert cancel_key(cancel, "INVITE") == key("INVITE", via=via)
    assert cancel_key(cancel, "INVITE") != key("SUBSCRIBE", via=via)


def test_copies_over_several_paths_share_the_merge_key() -> None:
    first = merge_key(parsed(wire("SUBSCRIBE", via="SIP/2.0/UDP p1;branch=z9hG4bK1")))
    second = merge_key(parsed(wire("SUBSCRIBE", via="SIP/2.0/UDP p2;branch=z9hG4bK2")))
    assert first == second
    assert merge_key(parsed(wire("SUBSCRIBE", cseq=2))) != first


# -- the short path --------------------------------------------------------------------------------------------

ANSWER = answer(wire("NOTIFY"), 200, "OK", "b1", "User-Agent: phone", "Allow: NOTIFY")


def test_plain_answers_are_scanned() -> None:
    assert scan_response(ANSWER) == (200, "z9hG4bK1", "192.0.2.50:5060", "NOTIFY")
    data = answer(
        wire("NOTIFY", via="SIP/2.0/TLS [2001:db8::1]:5061;rport;branch=z9hG4bKx;alias"), 481, "Gone"
    )
    assert scan_response(data) == (481, "z9hG4bKx", "[2001:db8::1]:5061", "NOTIFY")


@pytest.mark.parametrize(
    ("written", "other"),
    [
        (b"Via:", b"v:"),
        (b"Via:", b"VIA:"),
        (b"CSeq:", b"CSEQ:"),
        (b"Content-Length: 0", b"l: 0"),
        (b"Content-Length: 0", b"Content-Length: 7"),
        (b"\r\n\r\n", b"\r\n"),
        (b"User-Agent: phone", b"Via: SIP/2.0/UDP h;branch=z9hG4bK2"),
        (b"User-Agent: phone", b"v: SIP/2.0/UDP h;branch=z9hG4bK2"),
        (b"User-Agent: phone", b"via : SIP/2.0/UDP h;branch=z9hG4bK2"),
        (b";branch=", b";BRANCH=z9hG4bK0;branch="),
        (b";rport", b", SIP/2.0/UDP h;branch=z9hG4bK2"),
        (b"CSeq: 1 NOTIFY", b"CSeq: 1\r\n NOTIFY"),
        (b"CSeq: 1 NOTIFY", b"CSeq: 1 NOTIFY\r\n X"),
        (b";rport", b";rport\r\n ;x"),
        (b"SIP/2.0 200", b"SIP/2.0 999"),
        (b"SIP/2.0 200", b"SIP/2.0  20"),
    ],
)
def test_anything_unusual_takes_the_long_way(written: bytes, other: bytes) -> None:
    assert written in ANSWER
    assert scan_response(ANSWER.replace(written, other, 1)) is None


OURS = ("192.0.2.50:5060", "h:1")


def agrees(data: bytes) -> None:
    """What the short path accepts the parser reads alike, unless it refuses it for what no transaction stands on."""
    scanned = scan_response(data)
    if scanned is None or scanned[2] not in OURS:
        return  # the caller compares sent-by with its own before it believes anything
    status, branch, sent_by, method = scanned
    try:
        message = parse_datagram(data)
    except MessageError as error:
        assert error.reason not in ("Bad Via Header", "Bad CSeq Header", "Bad Status-Line"), data
        assert (
            "Content-Length" not in error.reason or "Conflicting" in error.reason or "Several" in error.reason
        ), data
        return
    assert isinstance(message, Response)
    assert (message.status, message.via.branch, message.cseq.method) == (status, branch, method)
    assert len(message.headers.values("Via")) == 1
    assert f"{message.via.host}:{message.via.port}" == sent_by


@given(st.integers(0, len(ANSWER) - 1), st.binary(max_size=3))
def test_short_and_long_way_agree_on_mutations(index: int, piece: bytes) -> None:
    agrees(ANSWER[:index] + piece + ANSWER[index + 1 :])


LINE = st.sampled_from(
    ["Via: SIP/2.0/UDP h:1;branch=z9hG4bKx", "v: SIP/2.0/UDP h;branch=z", "Via: SIP/2.0/UDP h;Branch=a;branch=b",
     "Via: SIP/2.0/UDP h;branch=a,SIP/2.0/UDP g;branch=b", "Via: SIP/2.0/UDP [::1];branch=\x1cq\x85", "From: <sip:a@b>",
     "From:  ", "From: sip:a@b;tag=1", "To: <sip:b@c>;tag=2", "To:", "Call-ID: x", "Call-ID: \x1f", "CSeq: 1 NOTIFY",
     "CSeq: 4294967296 NOTIFY", "CSeq: 1 NOTIFY X", "CSeq: 7\x1cNOTIFY", "CSeq:1 A\x85", "Content-Length: 0",
     "Content-Length: 5", "l: 0", "Event: presence", " folded", "no colon", "Subject: a\rb", "Subject: a\nb", "X-Y: 1",
     "Content-Length: +0", "Content-Length: \x0b0"]
)  # fmt: skip
BASE = [
    "Via: SIP/2.0/UDP h:1;branch=z9hG4bKx",
    "From: <sip:a@b>",
    "To: <sip:b@c>",
    "Call-ID: x",
    "CSeq: 1 NOTIFY",
]


@given(
    st.sampled_from(["SIP/2.0 200 OK", "SIP/2.0 200", "SIP/2.0 099 X", "SIP/2.0 200 "]),
    st.lists(LINE, max_size=4),
    st.data(),
)
def test_short_and_long_way_agree_on_odd_messages(start: str, odd: list[str], data: st.DataObject) -> None:
    kept = data.draw(st.permutations([*BASE[data.draw(st.integers(0, 1)) :], *odd]))
    agrees(lines(start, *kept))
