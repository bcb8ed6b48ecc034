"""Messages for tests, written as short as the test's point allows."""

from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request
from agent.sip.parsing import parse_datagram

SERVER = ("192.0.2.1", 5060)
PHONE = ("192.0.2.50", 5060)
UDP = Flow(Transport.UDP, SERVER, PHONE)
"The server's flow to the phone."
TCP = Flow(Transport.TCP, SERVER, PHONE, connection=1)


def lines(*text: str, body: bytes = b"") -> bytes:
    """Header lines -> a message."""
    return "\r\n".join((*text, "", "")).encode("utf-8", "surrogateescape") + body


def wire(
    method: str = "OPTIONS",
    *extra: str,
    uri: str = "sip:bob@example.org",
    via: str = "SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bK1;rport",
    from_: str = "<sip:alice@example.org>;tag=a1",
    to: str = "<sip:bob@example.org>",
    call_id: str = "call-1",
    cseq: int = 1,
    cseq_method: str | None = None,
    length: int | None = -1,
    body: bytes = b"",
) -> bytes:
    """A request. ``length`` -1: the right Content-Length; None: no such header."""
    tail = () if length is None else (f"Content-Length: {len(body) if length < 0 else length}",)
    return lines(
        f"{method} {uri} SIP/2.0",
        f"Via: {via}",
        "Max-Forwards: 70",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {cseq_method or method}",
        *extra,
        *tail,
        body=body,
    )


def parsed(data: bytes) -> Request:
    message = parse_datagram(data)
    assert isinstance(message, Request)
    return message


def answer(
    request: bytes,
    status: int = 200,
    reason: str = "OK",
    to_tag: str = "b1",
    *extra: str,
    vias: int | None = None,
) -> bytes:
    """The response that a plain UAS would give to a request of ours. ``vias``: repeat the Via so often."""
    message = parsed(request)
    via = message.headers.get_all("Via")
    return lines(
        f"SIP/2.0 {status} {reason}",
        *(f"Via: {value}" for value in (via if vias is None else via[:1] * vias)),
        f"From: {message.headers.get('From')}",
        f"To: {message.headers.get('To')}" + (f";tag={to_tag}" if to_tag else ""),
        f"Call-ID: {message.call_id}",
        f"CSeq: {message.headers.get('CSeq')}",
        *extra,
        "Content-Length: 0",
    )
