"""Bytes -> Request or Response (RFC 3261 §7, §18.3), with limits.

Tolerant where nothing is lost by it (a header that we do not need may be malformed, §8.2 of RFC 3261), strict about
what routing and matching stand on.
"""

from dataclasses import dataclass
from typing import Final

from agent.sip.errors import MessageError
from agent.sip.headers import SINGLE, SPELLINGS, Headers, canonical, split_outside
from agent.sip.messages import Message, Request, Response
from agent.sip.values import is_plain_uri, parse_digits, parse_host_port, split_uri

_TOKEN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")
_BLANKS: Final = " \t"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may cost us. The defaults are what a UDP datagram can carry and what real SIP never reaches."""

    message: int = 65_535
    "Bytes of start line, headers and body."
    headers: int = 100
    "Header lines."
    line: int = 8_192
    "Characters of one line, folded lines joined."


DEFAULT_LIMITS: Final = Limits()


def parse_datagram(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """One datagram, one message: bytes past Content-Length are dropped, a body shorter than it is an error, no
    Content-Length means up to the end (RFC 3261 §18.3). Raises MessageError.
    """
    if len(data) > limits.message:
        raise too_large(data[: limits.message])
    head, body = _split_head(data)
    message = parse_head(head, limits)
    if not body and data[-1:] != b"\n":
        raise MessageError(400, "Truncated Message", message.headers, isinstance(message, Request))
    length = content_length(message)
    if length is not None:
        if len(body) < length:
            raise MessageError(
                400, "Body Shorter Than Content-Length", message.headers, isinstance(message, Request)
            )
        body = body[:length]
    message.body = body
    return message


def too_large(data: bytes) -> MessageError:
    """The error for a message over the limit, with the headers that ``data``, its beginning, holds."""
    start, headers, _ = _read_head(_split_head(data)[0], DEFAULT_LIMITS)
    return MessageError(513, "Message Too Large", headers, not start.startswith("SIP/"))


def _split_head(data: bytes) -> tuple[bytes, bytes]:
    """(start line and headers, body). A message without the empty line is all head."""
    # RFC 3261 §7.5: CRLFs before the start line are skipped.
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank and b"\n\n" in data:
        # COMPAT(hand-made tests and a few gateways): lines that end in a bare LF.
        head, _, body = data.partition(b"\n\n")
    return head, body


def _read_head(head: bytes, limits: Limits) -> tuple[str, Headers, tuple[int, str] | None]:
    """(start line, the headers that can be read, the first problem with them)."""
    text = head.decode("utf-8", "surrogateescape")
    plain = _plain_headers(text, len(head) - len(head.translate(None, b"\r\n")), limits)
    if plain is not None:
        return text[: text.find("\r\n")], plain, None
    lines = text.split("\r\n") if "\r\n" in text else text.split("\n")
    headers, problem = _parse_headers(lines, limits)
    if text.count("\n") != len(lines) - 1 or text.count("\r") not in (0, len(lines) - 1):
        # Others would see a line end there: what is one header to us must not be two to them, nor travel on.
        problem = problem or (400, "Stray Line End")
        headers.items = [item for item in headers if "\r" not in item[1] and "\n" not in item[1]]
    return lines[0], headers, problem


def _plain_headers(text: str, ends: int, limits: Limits) -> Headers | None:
    """The headers of a head in which every line is plain, as nearly everybody writes it: not folded, one blank after
    the colon and none before it. None: `_parse_headers` is to read it, which would have read these alike. ``ends``: how
    many CR and LF there are."""
    lines = text.split("\r\n")
    number = len(lines) - 1
    if not 0 < number <= limits.headers or ends != 2 * number:
        return None
    if len(text) > limits.line and max(map(len, lines)) > limits.line:
        return None
    items: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for index in range(1, number + 1):
        name, colon, value = lines[index].partition(": ")
        known = SPELLINGS.get(name)
        if not colon:
            return None
        if known is None:
            if not name.isascii() or not name.replace("-", "").isalnum():
                return None
            known = canonical(name)
        value = value.strip(_BLANKS)
        items.append((known, value))
        first.setdefault(known, value)
    return Headers.of(items, first)


def parse_head(head: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """Start line and headers -> a message with an empty body. Raises MessageError."""
    start, headers, problem = _read_head(head, limits)
    is_request = not start.startswith("SIP/")
    try:
        if problem is not None:
            raise MessageError(*problem, headers, is_request)
        if len(start) > limits.line:
            raise MessageError(414 if is_request else 400, "Request-URI Too Long", headers, is_request)
        message = _request_line(start, headers) if is_request else _status_line(start, headers)
        _check(message)
    except MessageError as error:
        error.method = start.partition(" ")[0]
        raise
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
    if not is_plain_uri(uri):
        try:
            scheme, _, host = split_uri(uri)
            if scheme in ("sip", "sips"):
                parse_host_port(host.partition(";")[0])
        except ValueError:
            raise MessageError(400, "Bad Request-URI", headers) from None
    return Request(method, uri, headers)


def _status_line(start: str, headers: Headers) -> Response:
    version, _, rest = start.partition(" ")
    code, _, reason = rest.partition(" ")
    if version != "SIP/2.0" or len(code) != 3 or not (code.isascii() and code.isdigit()):
        raise MessageError(400, "Bad Status-Line", headers, is_request=False)
    status = int(code)
    if not 100 <= status <= 699:
        raise MessageError(400, "Bad Status-Line", headers, is_request=False)
    return Response(status, reason, headers)


def _parse_headers(lines: list[str], limits: Limits) -> tuple[Headers, tuple[int, str] | None]:
    """Every header that can be read, and the first problem. Reading goes on after a problem: an answer needs Via."""
    headers = Headers()
    items = headers.items
    problem: tuple[int, str] | None = None
    for line in lines[1:]:
        if not line:
            continue
        if len(line) > limits.line:
            problem = problem or (513, "Header Line Too Long")
            continue
        if line[0] in " \t":
            if not items:
                problem = problem or (400, "Bad Header Folding")
                continue
            name, value = items[-1]
            value = f"{value} {line.strip(_BLANKS)}".strip(_BLANKS)
            if len(value) > limits.line:
                problem = problem or (513, "Header Line Too Long")
                continue
            items[-1] = (name, value)
            continue
        name, colon, value = line.partition(":")
        known = SPELLINGS.get(name)
        if known is None:
            name = name.rstrip(_BLANKS)
            known = canonical(name) if name and _TOKEN.issuperset(name) else None
        if known is None or not colon:
            problem = problem or (400, "Bad Header Line")
            continue
        if len(items) >= limits.headers:
            problem = problem or (513, "Too Many Headers")
            break
        items.append((known, value.strip(_BLANKS)))
    return headers, problem


def _check(message: Message) -> None:
    """What every transaction and dialog stands on (RFC 3261 §8.1.1, §20)."""
    headers = message.headers
    is_request = isinstance(message, Request)
    first = headers.firsts()
    if len(first) < len(headers):
        _check_repeated(headers, is_request)
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        if not first.get(name):
            raise MessageError(400, f"Missing {name} Header", headers, is_request)
    _check_via_list(first["Via"], headers, is_request)
    reading = "Via"
    try:
        _ = message.via
        reading = "From"
        _ = message.from_
        reading = "To"
        _ = message.to
        reading = "CSeq"
        method = message.cseq.method
    except ValueError:
        raise MessageError(400, f"Bad {reading} Header", headers, is_request) from None
    if isinstance(message, Request) and method != message.method:
        raise MessageError(400, "CSeq Method Does Not Match", headers)


def _check_repeated(headers: Headers, is_request: bool) -> None:
    seen: set[str] = set()
    for name, value in headers:
        if name not in seen:
            seen.add(name)
        elif name in SINGLE:
            raise MessageError(400, f"Several {name} Headers", headers, is_request)
        elif name == "Via":
            _check_via_list(value, headers, is_request)


def _check_via_list(value: str, headers: Headers, is_request: bool) -> None:
    """Each element must at least look like a Via: every response gives all of them back."""
    if "," not in value:
        return
    for element in split_outside(value, ","):
        if not element.lstrip(_BLANKS)[:3].upper() == "SIP":
            raise MessageError(400, "Bad Via Header", headers, is_request)


def content_length(message: Message | MessageError) -> int | None:
    """The Content-Length, None when there is none. Raises MessageError for a bad one."""
    headers = message.headers
    values = headers.get_all("Content-Length") if headers is not None else []
    if not values:
        return None
    if len(values) == 1 and len(values[0]) < 10 and values[0].isascii() and values[0].isdigit():
        return int(values[0])
    is_request = message.is_request if isinstance(message, MessageError) else isinstance(message, Request)
    if len(set(values)) > 1:
        raise MessageError(400, "Conflicting Content-Length", headers, is_request)
    try:
        return parse_digits(values[0])
    except ValueError:
        raise MessageError(400, "Bad Content-Length", headers, is_request) from None
