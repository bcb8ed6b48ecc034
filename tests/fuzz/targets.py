"""What is fuzzed: each target takes any bytes, and raises only when it has found a fault.

`SEEDS` are the messages and documents of the other tests, by target; the guided fuzzer begins with them.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from agent.documents import dialog_info, pidf
from agent.documents.errors import DocumentError
from agent.presence.calls import problem_of
from agent.presence.composition import Input, compose
from agent.presence.dialog_table import DialogTable
from agent.sip import stun
from agent.sip.digest import parse_authentication, parse_challenge
from agent.sip.endpoint import Endpoint
from agent.sip.errors import MessageError, StreamError
from agent.sip.framing import Framer
from agent.sip.matching import scan_response
from agent.sip.messages import Response
from agent.sip.parsing import Limits, parse_datagram
from agent.sip.routing import parse_target
from agent.sip.values import (
    address_of_record,
    parse_cseq,
    parse_event,
    parse_name_addr,
    parse_seconds,
    parse_via,
)
from tests.support.phone import document
from tests.support.sip import TCP, UDP, answer, wire
from tests.torture.test_torture import CASES

Target = Callable[[bytes], None]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

CORPUS = [case.data for case in CASES] + [
    answer(wire("NOTIFY"), 200, "OK", "b1", "Contact: <sip:alice@192.0.2.50>", "Expires: 60"),
    wire("SUBSCRIBE", "Event: presence;id=1", "Contact: <sip:alice@192.0.2.50>;x=\"<y>\"", "Expires: 60"),
    wire("PUBLISH", "Event: presence", "SIP-If-Match: x", body=b"<presence/>"),
]  # fmt: skip


def messages(data: bytes) -> None:
    """A datagram is a message that can be written and read again, or refused in words."""
    try:
        message = parse_datagram(data)
    except MessageError as error:
        assert 400 <= error.status < 600
        assert error.reason.isascii() and "\n" not in error.reason
        return
    # What was accepted can be written, and is read as the same again.
    again = parse_datagram(message.encode())
    assert again.body == message.body
    assert type(again) is type(message)
    for name, value in message.headers:
        if name != "Content-Length":
            assert value in again.headers.get_all(name)
    # What the rest stands on can be read.
    assert message.via and message.from_ and message.to and message.cseq


def framing(data: bytes) -> None:
    """A stream, in segments of the size that its first byte names, however it is cut."""
    size, data = (data[0] or 1, data[1:]) if data else (1, b"")
    framer = Framer(Limits(message=5_000))
    with contextlib.suppress(StreamError):
        for start in range(0, len(data), size):
            framer.feed(data[start : start + size])


def endpoint(data: bytes) -> None:
    """The whole core: never raises, never answers a response, and remembers nothing in the end."""
    core = Endpoint(lambda: "token", b"secret")
    core.receive_datagram(data, UDP, 0.0)
    core.receive_stream(data, TCP, 0.0)
    core.receive_datagram(data, UDP, 1.0)
    for _, reply in core.take_outbox():
        assert reply == b"\r\n" or reply.startswith((b"SIP/2.0 ", b"\1\1", b"\1\x11"))
    core.flow_closed(TCP, 2.0)
    core.handle_timeout(100.0)
    core.handle_timeout(200.0)
    assert core.open_transactions == (0, 0)


def responses(data: bytes) -> None:
    """The short way of reading answers to NOTIFYs sees what the long one sees."""
    scanned = scan_response(data)
    if scanned is None or scanned[2] != "192.0.2.50:5060":
        return  # the caller compares sent-by with its own before it believes anything
    try:
        message = parse_datagram(data)
    except MessageError as error:
        assert error.reason not in (
            "Bad Via Header",
            "Bad CSeq Header",
            "Bad Status-Line",
            "Body Shorter Than Content-Length",
        )
    else:
        assert isinstance(message, Response)
        assert scanned[:2] == (message.status, message.via.branch) and scanned[3] == message.cseq.method


def presence(data: bytes) -> None:
    """A published document: read, composed, written, and read as the same again; or refused."""
    try:
        read = pidf.parse(data)
    except DocumentError:
        return
    composed = compose("sip:alice@example.org", [Input("p", read, 50, NOW)], NOW).document
    written = pidf.build(composed)
    assert pidf.build(pidf.parse(written)) == written
    ids = [each.id for each in (*composed.tuples, *composed.persons, *composed.devices)]
    assert len(ids) == len(set(ids))


def dialogs(data: bytes) -> None:
    """A dialog document, as a publication and as what a subscriber puts together."""
    try:
        read = dialog_info.parse(data)
    except DocumentError:
        return
    problem_of(data)
    DialogTable().take(read)[0].take(read)
    # What only passes through may stand in another order when it is written.
    again = dialog_info.parse(dialog_info.build(read))
    assert dialog_info.build(dialog_info.parse(dialog_info.build(again))) == dialog_info.build(again)
    for one, other in zip(read.dialogs, again.dialogs, strict=True):
        assert replace(one, extensions=()) == replace(other, extensions=())


def values(data: bytes) -> None:
    """Header values: understood, or a ValueError."""
    text = data.decode("utf-8", "surrogateescape")
    for parse in (
        parse_name_addr, parse_via, parse_event, parse_seconds, parse_cseq, address_of_record, parse_target,
        parse_authentication,
    ):  # fmt: skip
        with contextlib.suppress(ValueError):
            parse(text)
    parse_challenge(text)


def keep_alives(data: bytes) -> None:
    """STUN."""
    reply = stun.answer(data, ("192.0.2.1", 5060))
    assert reply is None or reply[4:20] == data[4:20]


_XML = [
    document("In a meeting", contact="sip:alice@192.0.2.50"),
    b'<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
    b'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:alice@example.org"><tuple id="a"><status><basic>open'
    b'</basic></status><dm:deviceID>urn:uuid:1</dm:deviceID><contact priority="0.8">sip:a@b</contact>'
    b'<note xml:lang="en">x</note><timestamp>2026-03-02T08:00:00Z</timestamp></tuple><dm:person id="p">'
    b"<rpid:activities from="
    b'"2026-03-02T08:00:00Z" until="2026-03-02T10:00:00Z"><rpid:meeting/><rpid:other>y</rpid:other></rpid:activities>'
    b'<rpid:mood><rpid:happy/></rpid:mood><rpid:user-input idle-threshold="600">idle</rpid:user-input>'
    b'<rpid:time-offset>60</rpid:time-offset></dm:person><dm:device id="d"><dm:deviceID>urn:uuid:1</dm:deviceID>'
    b"</dm:device></presence>",
]
_DIALOGS = [
    b'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="3" state="partial" '
    b'entity="sip:alice@example.org"><dialog id="a" call-id="c" local-tag="l" remote-tag="r" direction="recipient">'
    b'<state event="cancelled" code="487">'
    b'terminated</state><duration>7</duration><local><identity display="A">sip:a@b</identity><target uri="sip:a@c">'
    b'<param pname="+sip.rendering" pval="no"/></target></local><remote><identity>sip:b@c</identity></remote></dialog>'
    b"</dialog-info>"
]
_VALUES = [
    b'"Alice \\" A" <sip:alice@example.org:5060;transport=tcp?x=y>;tag=1;q="0.5"',
    b"SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK1;rport;received=192.0.2.1",
    b"dialog;id=7;call-id=x;to-tag=y",
    b"120;duration=60 (I'm \\( in a (nested) meeting)",
    b"4294967295 NOTIFY",
    b"sips:%61lice:pw@[::1]:5061;maddr=192.0.2.1;lr",
    b'Digest realm="a\\"b", nonce="n", qop="auth,auth-int", algorithm=SHA-256, stale=TRUE, opaque=""',
]

TARGETS: dict[str, tuple[Target, list[bytes]]] = {
    "messages": (messages, CORPUS),
    "framing": (framing, [bytes([7]) + data for data in CORPUS]),
    "endpoint": (endpoint, CORPUS),
    "responses": (responses, [answer(wire("NOTIFY"), 200, "OK", "b1"), *CORPUS[:3]]),
    "presence": (presence, _XML),
    "dialogs": (dialogs, _DIALOGS),
    "values": (values, _VALUES),
    "keep-alives": (keep_alives, [b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(12) + b"\x80\x28\0\4abcd"]),
}
"Name -> (target, its seeds)."
