"""The event socket of FreeSWITCH on the wire: headers, an empty line, and a body of ``Content-Length``. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from connectors.errors import BadData

MAX_FRAME = 16 * 1024 * 1024
"Bytes. A list of ten thousand channels has five million."
MAX_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """What came at once. Names are in lower case."""

    headers: Mapping[str, str]
    body: str = ""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def reply(self) -> str:
        """``+OK …`` or ``-ERR …``."""
        return self.headers.get("reply-text", "")


@dataclass(frozen=True, slots=True)
class Event:
    """The body of a ``text/event-plain``. Names are in lower case, values decoded."""

    headers: Mapping[str, str]

    def get(self, name: str) -> str:
        """Empty when it is missing."""
        return self.headers.get(name, "")

    @property
    def name(self) -> str:
        return self.get("event-name")


class Framer:
    """Bytes as they come → whole frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Raises `BadData` for what no FreeSWITCH sends."""
        self._rest += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        self._rest = self._rest.lstrip(b"\r\n")
        head, end, rest = self._rest.partition(b"\n\n")
        if not end:
            if len(self._rest) > MAX_HEAD or not _may_begin(self._rest):
                raise BadData("what answers there is no event socket", advice="Check host and port.")
            return None
        headers = _headers(head.decode("utf-8", "replace"), decode=False)
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_FRAME or "content-type" not in headers:
            raise BadData("what answers there is no event socket", advice="Check host and port.")
        if len(rest) < length:
            return None
        self._rest = rest[length:]
        return Frame(headers, rest[:length].decode("utf-8", "replace"))


def _may_begin(data: bytes) -> bool:
    """Whether the first line can be a header."""
    line, end, _ = data.partition(b"\n")
    return not end or b":" in line


def event_of(frame: Frame) -> Event:
    """What a ``text/event-plain`` tells. A body of the event itself (SDP and the like) is not looked at."""
    return Event(_headers(frame.body.replace("\r\n", "\n").partition("\n\n")[0], decode=True))


def _headers(text: str, *, decode: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            value = value.strip()
            found.setdefault(name.strip().lower(), unquote(value) if decode else value)
    return found


def command(text: str) -> bytes:
    """Raises ValueError for a line end, which would be another command."""
    if "\n" in text or "\r" in text:
        raise ValueError("a line end in a command")
    return f"{text}\n\n".encode()
