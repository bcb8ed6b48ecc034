"""Requests and responses (RFC 3261 §7): what the rest of the program handles, and their bytes."""

from collections.abc import Callable
from typing import Final, TypeVar

from agent.sip.headers import SINGLE, Headers
from agent.sip.values import CSeq, NameAddr, Via, parse_cseq, parse_name_addr, parse_top_via

T = TypeVar("T")

REASONS: Final[dict[int, str]] = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted", 204: "No Notification", 300: "Multiple Choices", 301: "Moved Permanently",
    302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service", 400: "Bad Request", 401: "Unauthorized",
    402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 412: "Conditional Request Failed",
    413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type",
    416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required", 423: "Interval Too Brief",
    439: "First Hop Lacks Outbound Support",
    428: "Use Identity Header", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending",
    493: "Undecipherable", 500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}  # fmt: skip


class _Message:
    """What requests and responses share. The body is bytes; Content-Length is written by `encode`.

    A value that has been read is kept as long as its header line stays the same.
    """

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers | None = None, body: bytes = b"") -> None:
        self.headers = headers if headers is not None else Headers()
        self.body = body

    def _read(self, name: str, reader: Callable[[str], T]) -> T:
        """Read a header the first time. What it gave is then found in ``parsed``, a dozen times for every request."""
        value = reader(self.headers.get(name) or "")
        self.headers.parsed[name] = value
        return value

    @property
    def via(self) -> Via:
        """The topmost Via. Raises ValueError."""
        known = self.headers.parsed.get("Via")
        return known if known is not None else self._read("Via", parse_top_via)  # type: ignore[return-value]

    @property
    def call_id(self) -> str:
        return self.headers.firsts().get("Call-ID") or ""

    @property
    def cseq(self) -> CSeq:
        """Raises ValueError."""
        known = self.headers.parsed.get("CSeq")
        return known if known is not None else self._read("CSeq", parse_cseq)  # type: ignore[return-value]

    @property
    def from_(self) -> NameAddr:
        """Raises ValueError."""
        known = self.headers.parsed.get("From")
        return known if known is not None else self._read("From", parse_name_addr)  # type: ignore[return-value]

    @property
    def to(self) -> NameAddr:
        """Raises ValueError."""
        known = self.headers.parsed.get("To")
        return known if known is not None else self._read("To", parse_name_addr)  # type: ignore[return-value]

    @property
    def content_type(self) -> str | None:
        """The media type alone, in lower case, without parameters."""
        value = self.headers.get("Content-Type")
        return value.partition(";")[0].strip().lower() if value is not None else None

    @property
    def optional_body(self) -> bool:
        """Whether its sender can do without the body being understood (RFC 3261 §20.11)."""
        for parameter in (self.headers.get("Content-Disposition") or "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "handling":
                return value.strip().lower() == "optional"
        return False

    def without_body(self) -> None:
        """As if it had come without."""
        self.body = b""
        for name in ("Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition"):
            self.headers.remove(name)

    @property
    def charset(self) -> str | None:
        """The media type's parameter of that name, in lower case."""
        for parameter in (self.headers.get("Content-Type") or "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip('"').lower() or None
        return None

    def _encode(self, start: str) -> bytes:
        lines = [start]
        for name, value in self.headers:
            if name != "Content-Length":
                lines.append(f"{name}: {value}")
        text = "".join(lines)
        if "\n" in text or "\r" in text:
            # Somebody's text would become a header, or the end of the head.
            raise ValueError("line break in a header value")
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


class Request(_Message):
    """A request. ``uri`` is the Request-URI as on the wire."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers | None = None, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri

    def encode(self) -> bytes:
        return self._encode(f"{self.method} {self.uri} SIP/2.0")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


class Response(_Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str | None = None, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason if reason is not None else REASONS.get(status, "Unknown")

    def encode(self) -> bytes:
        return self._encode(f"SIP/2.0 {self.status} {self.reason}")

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


Message = Request | Response

_COPIED: Final = ("Via", "From", "To", "Call-ID", "CSeq")


def response_to(
    request_headers: Headers,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> Response:
    """A response with what RFC 3261 §8.2.6.2 says to copy: Via list, From, To, Call-ID, CSeq.

    ``to_tag`` is added to a To that has none.
    """
    first = request_headers.firsts()
    if len(first) == len(request_headers):
        given = [(name, value) for name in _COPIED if (value := first.get(name)) is not None]
    else:
        given = [item for item in request_headers if item[0] in _COPIED]
    copied: list[tuple[str, str]] = []
    for name, value in given:
        if name == "To" and to_tag is not None and not _has_tag(value):
            copied.append((name, f"{value};tag={to_tag}"))
        else:
            copied.append((name, value))
    if headers:
        copied.extend(headers)
    return Response(status, reason, Headers.of(copied), body)


def _has_tag(value: str) -> bool:
    if "tag" not in value.lower():
        return False
    try:
        return parse_name_addr(value).tag is not None
    except ValueError:
        return True


def first_of_singles(headers: Headers) -> Headers:
    """A copy in which headers that may stand only once do: what the answer to a broken request copies from."""
    seen: set[str] = set()
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        if name in SINGLE and name in seen:
            continue
        seen.add(name)
        kept.append((name, value))
    return Headers.of(kept)
