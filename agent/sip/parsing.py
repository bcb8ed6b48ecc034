"""Bytes -> Request or Response (RFC 3261 §7, §18.3), with limits.

Tolerant where nothing is lost by it (a header that we do not need may be malformed, §8.2 of RFC 3261), strict about
what routing and matching stand on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.sip.errors import MessageError
from agent.sip.headers import SINGLE, Headers, canonical
from agent.sip.messages import Message, Request, Response
from agent.sip.values import parse_cseq, parse_name_addr, parse_via

_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may cost us. The defaults are what a UDP datagram can carry and what real SIP never reaches."""

    message: int = 65_535
    "Bytes of start line, headers and body."
    headers: int = 100
    "Header lines."
    line: int = 8_192
    "Bytes of one line, folded lines joined."


DEFAULT_LIMITS = Limits()


def parse_datagram(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """One datagram, one message: bytes past Content-Length are dropped, a body shorter than it is an error, no
    Content-Length means up to the end (RFC 3261 §18.3). Raises MessageError.
    """
    if len(data) > limits.message:
        # Only the header part can be read for an answer.
        raise MessageError(513, "Message Too Large", *_salvage(data[: limits.message]))
    head, body = split_head(data)
    message = parse_head(head, limits)
    length = content_length(message.headers, isinstance(message, Request))
    if length is not None:
        if len(body) < length:
            raise MessageError(
                400, "Body Shorter Than Content-Length", message.headers, isinstance(message, Request)
            )
        body = body[:length]
    message.body = body
    return message


def split_head(data: bytes) -> tuple[bytes, bytes]:
    """(start line and headers, body). A message without the empty line is all head."""
    # RFC 3261 §7.5: CRLFs before the start line are skipped.
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank and b"\n\n" in data:
        # COMPAT(hand-made tests and a few gateways): lines that end in a bare LF.
        head, _, body = data.partition(b"\n\n")
    return head, body


def parse_head(head: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """Start line and headers -> a message with an empty body. Raises MessageError."""
    text = head.decode("utf-8", "surrogateescape")
    lines = text.split("\r\n") if "\r\n" in text else text.split("\n")
    start = lines[0]
    is_request = not start.startswith("SIP/")
    headers, problem = _parse_headers(lines, limits)
    if problem is not None:
        raise MessageError(400, problem, headers, is_request)
    if len(start) > limits.line:
        raise MessageError(414 if is_request else 400, "Request-URI Too Long", headers, is_request)
    message: Message
    if is_request:
        message = _request_line(start, headers)
    else:
        message = _status_line(start, headers)
    _check(message)
    return message


def _request_line(start: str, headers: Headers) -> Request:
    method, _, rest = start.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not method or not uri or not _TOKEN.issuperset(method):
        raise MessageError(400, "Bad Request-Line", headers)
    if version.upper() != "SIP/2.0":
        if version[:4].upper() == "SIP/":
            raise MessageError(505, "Version Not Supported", headers)
        raise MessageError(400, "Bad Request-Line", headers)
    if " " in uri or "\t" in uri or uri.startswith("<"):
        raise MessageError(400, "Bad Request-URI", headers)
    return Request(method, uri, headers)


def _status_line(start: str, headers: Headers) -> Response:
    version, _, rest = start.partition(" ")
    code, _, reason = rest.partition(" ")
    if version.upper() != "SIP/2.0" or len(code) != 3 or not (code.isascii() and code.isdigit()):
        raise MessageError(400, "Bad Status-Line", headers, is_request=False)
    status = int(code)
    if not 100 <= status <= 699:
        raise MessageError(400, "Bad Status-Line", headers, is_request=False)
    return Response(status, reason, headers)


def _parse_headers(lines: list[str], limits: Limits) -> tuple[Headers, str | None]:
    """Every header that can be read, and the first problem. Reading goes on after a problem: an answer needs Via."""
    headers = Headers()
    items = headers.items
    problem: str | None = None
    for line in lines[1:]:
        if not line:
            continue
        if line[0] in " \t":
            if not items:
                problem = problem or "Bad Header Folding"
                continue
            name, value = items[-1]
            value = f"{value} {line.strip()}".strip()
            if len(value) > limits.line:
                problem = problem or "Header Line Too Long"
                continue
            items[-1] = (name, value)
            continue
        if len(line) > limits.line:
            problem = problem or "Header Line Too Long"
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not name or not _TOKEN.issuperset(name):
            problem = problem or "Bad Header Line"
            continue
        if len(items) >= limits.headers:
            problem = problem or "Too Many Headers"
            break
        items.append((canonical(name), value.strip()))
    return headers, problem


def _check(message: Message) -> None:
    """What every transaction and dialog stands on (RFC 3261 §8.1.1, §20)."""
    headers = message.headers
    is_request = isinstance(message, Request)
    seen: set[str] = set()
    for name, _ in headers.items:
        if name in SINGLE:
            if name in seen:
                raise MessageError(400, f"Several {name} Headers", headers, is_request)
            seen.add(name)
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        if not headers.get(name):
            raise MessageError(400, f"Missing {name} Header", headers, is_request)
    for name, read in _READERS.items():
        try:
            read(headers.get(name) or "")
        except ValueError:
            raise MessageError(400, f"Bad {name} Header", headers, is_request) from None
    if isinstance(message, Request) and message.cseq.method != message.method:
        raise MessageError(400, "CSeq Method Does Not Match", headers)


def _top_via(value: str) -> object:
    from_list = Headers([("Via", value)]).values("Via")
    return parse_via(from_list[0])


_READERS: dict[str, Callable[[str], object]] = {
    "Via": _top_via,
    "From": parse_name_addr,
    "To": parse_name_addr,
    "CSeq": parse_cseq,
}


def content_length(headers: Headers, is_request: bool) -> int | None:
    """The Content-Length, None when there is none. Raises MessageError for a bad one."""
    value = headers.get("Content-Length")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise MessageError(400, "Bad Content-Length", headers, is_request)
    return int(value)


def _salvage(data: bytes) -> tuple[Headers | None, bool]:
    """Whatever headers can be read of a message that is refused whole."""
    head, _ = split_head(data)
    lines = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    headers, _problem = _parse_headers(lines, DEFAULT_LIMITS)
    return headers, not lines[0].startswith("SIP/")
