"""Requests and responses (RFC 3261 §7): what the rest of the program handles, and their bytes."""

from agent.sip.headers import Headers
from agent.sip.values import CSeq, NameAddr, Via, parse_cseq, parse_name_addr, parse_via

REASONS: dict[int, str] = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted", 204: "No Notification", 300: "Multiple Choices", 301: "Moved Permanently",
    302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service", 400: "Bad Request", 401: "Unauthorized",
    402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 412: "Conditional Request Failed",
    413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type",
    416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required", 423: "Interval Too Brief",
    428: "Use Identity Header", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending",
    493: "Undecipherable", 500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}  # fmt: skip


class _Message:
    """What requests and responses share. The body is bytes; Content-Length is written by `encode`."""

    __slots__ = ("_via", "body", "headers")

    def __init__(self, headers: Headers | None = None, body: bytes = b"") -> None:
        self.headers = headers if headers is not None else Headers()
        self.body = body
        self._via: Via | None = None

    @property
    def via(self) -> Via:
        """The topmost Via. Raises ValueError."""
        if self._via is None:
            values = self.headers.values("Via")
            if not values:
                raise ValueError("no Via")
            self._via = parse_via(values[0])
        return self._via

    @property
    def call_id(self) -> str:
        return self.headers.get("Call-ID") or ""

    @property
    def cseq(self) -> CSeq:
        """Raises ValueError."""
        return parse_cseq(self.headers.get("CSeq") or "")

    @property
    def from_(self) -> NameAddr:
        """Raises ValueError."""
        return parse_name_addr(self.headers.get("From") or "")

    @property
    def to(self) -> NameAddr:
        """Raises ValueError."""
        return parse_name_addr(self.headers.get("To") or "")

    @property
    def content_type(self) -> str | None:
        """The media type alone, in lower case, without parameters."""
        value = self.headers.get("Content-Type")
        return value.partition(";")[0].strip().lower() if value is not None else None

    def _encode(self, start: str) -> bytes:
        lines = [start]
        lines.extend(f"{name}: {value}" for name, value in self.headers.items if name != "Content-Length")
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

_COPIED = frozenset(("Via", "From", "Call-ID", "CSeq"))


def response_to(
    request_headers: Headers,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> Response:
    """A response with what RFC 3261 §8.2.6.2 says to copy: Via list, From, To (with ``to_tag`` if it had none), Call-ID, CSeq."""
    copied: list[tuple[str, str]] = []
    for item in request_headers.items:
        name, value = item
        if name in _COPIED:
            copied.append(item)
        elif name == "To":
            if to_tag is not None and not _has_tag(value):
                value = f"{value};tag={to_tag}"
            copied.append((name, value))
    if headers:
        copied.extend(headers)
    response = Response(status, reason, body=body)
    response.headers.items = copied
    return response


def _has_tag(value: str) -> bool:
    if "tag" not in value.lower():
        return False
    try:
        return parse_name_addr(value).tag is not None
    except ValueError:
        return True
