"""A byte stream -> whole messages by Content-Length (RFC 3261 §18.3, §7.5; RFC 5626 §4.4.1 keep-alives)."""

from enum import Enum, auto

from agent.sip.errors import MessageError, StreamError
from agent.sip.messages import Message, Request
from agent.sip.parsing import DEFAULT_LIMITS, Limits, content_length, parse_head, too_large

_BLANK = b"\r\n\r\n"


class KeepAlive(Enum):
    """What stood between two messages."""

    PING = auto()
    "CRLFCRLF: to be answered at once by one CRLF."
    PONG = auto()
    "A single CRLF."


Framed = Message | KeepAlive | MessageError


class Framer:
    """Feed it bytes as they come, take messages as they are complete.

    A message that is wrong but whose end is known comes out as a MessageError, and the stream goes on. After a
    StreamError it can't be read any further: what still comes before the connection is closed is thrown away.
    """

    __slots__ = ("_broken", "_buffer", "_half_ping", "_pending", "_scanned", "_wanted", "limits")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        "How far the buffer is known to hold no end of head: keeps tiny segments from costing a scan each."
        self._pending: Message | MessageError | None = None
        "The message whose body is still coming."
        self._wanted = 0
        "Bytes of that body."
        self._half_ping = False
        self._broken = False

    @property
    def mid_message(self) -> bool:
        """Whether part of a message is held."""
        return self._pending is not None or len(self._buffer) > 0

    def feed(self, data: bytes) -> list[Framed]:
        """Everything that ``data`` completes, in order. Raises StreamError; its ``complete`` is what came before."""
        if self._broken:
            return []
        self._buffer += data
        complete: list[Framed] = []
        try:
            while (item := self._next()) is not None:
                complete.append(item)
        except MessageError as error:
            self._buffer.clear()
            self._broken = True
            raise StreamError(error, complete) from None
        return complete

    def _next(self) -> Framed | None:
        if self._pending is None:
            if (keep_alive := self._line_ends()) is not None:
                return keep_alive
            if not self._read_head():
                return None
        pending = self._pending
        if pending is None or len(self._buffer) < self._wanted:
            return None
        if not isinstance(pending, MessageError):
            pending.body = bytes(self._buffer[: self._wanted])
        del self._buffer[: self._wanted]
        self._pending = None
        return pending

    def _line_ends(self) -> KeepAlive | None:
        """CRLFs before a start line: skipped (RFC 3261 §7.5), and told, because a pair of them is a ping."""
        buffer = self._buffer
        if not buffer:
            return None
        if buffer.startswith(_BLANK):
            del buffer[:4]
            self._half_ping = False
            return KeepAlive.PING
        if buffer.startswith(b"\r\n"):
            del buffer[:2]
            was_half, self._half_ping = self._half_ping, not self._half_ping
            return KeepAlive.PING if was_half else KeepAlive.PONG
        if buffer[0] not in b"\r\n":
            self._half_ping = False
        elif len(buffer) > 1 or buffer[0] == 0x0A:
            del buffer[:1]  # COMPAT(hand-made tests): a bare LF or CR between messages
            return KeepAlive.PONG
        return None

    def _read_head(self) -> bool:
        buffer = self._buffer
        if buffer[:1] == b"\r":
            return False
        end = buffer.find(_BLANK, max(0, self._scanned - 3))
        if (len(buffer) if end < 0 else end) > self.limits.message:
            raise too_large(bytes(buffer[: self.limits.message]))
        if end < 0:
            self._scanned = len(buffer)
            return False
        head = bytes(buffer[:end])
        del buffer[: end + 4]
        self._scanned = 0
        parsed: Message | MessageError
        try:
            parsed = parse_head(head, self.limits)
        except MessageError as error:
            parsed = error
        headers = parsed.headers
        is_request = parsed.is_request if isinstance(parsed, MessageError) else isinstance(parsed, Request)
        length = content_length(parsed)
        if length is None:
            # Without it nobody can know where the next message begins (RFC 3261 §20.14).
            raise MessageError(400, "Missing Content-Length", headers, is_request)
        if len(head) + len(_BLANK) + length > self.limits.message:
            raise MessageError(513, "Message Too Large", headers, is_request)
        self._pending, self._wanted = parsed, length
        return True
