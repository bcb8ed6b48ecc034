"""The Asterisk Manager Interface on the wire: lines of ``Name: value``, an empty line after each message. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.errors import BadData

GREETING = "Asterisk Call Manager/"
MAX_MESSAGE = 256 * 1024
"Bytes. What is longer is not from an Asterisk."


@dataclass(frozen=True, slots=True)
class Message:
    """A response or an event. Names are in lower case; of a name that repeats the first value counts."""

    fields: Mapping[str, str]

    def get(self, name: str) -> str:
        """Empty when it is missing. COMPAT(Asterisk): `<unknown>` is how it writes that it doesn't know."""
        value = self.fields.get(name, "")
        return "" if value == "<unknown>" else value

    @property
    def event(self) -> str:
        """Its name; empty for a response."""
        return self.get("event")

    @property
    def response(self) -> str:
        """``Success``, ``Error`` …; empty for an event."""
        return self.get("response")


class Framer:
    """Bytes as they come → whole messages."""

    def __init__(self) -> None:
        self._rest = b""
        self.greeted = False

    def feed(self, data: bytes) -> list[Message]:
        """Raises `BadData` for what no Asterisk sends."""
        self._rest += data
        if not self.greeted and not self._greet():
            return []
        text = self._rest.replace(b"\r\n", b"\n")
        # A \r at the very end may be the first half of a line end.
        *whole, rest = text.split(b"\n\n")
        self._rest = rest
        if len(self._rest) > MAX_MESSAGE:
            raise BadData("a message of the manager never ends")
        return [message for message in map(_message, whole) if message is not None]

    def _greet(self) -> bool:
        line, end, rest = self._rest.partition(b"\n")
        if not GREETING.encode().startswith(line[: len(GREETING)]) and not line.startswith(GREETING.encode()):
            raise BadData("what answers there is no Asterisk manager", advice="Check host and port.")
        if not end:
            return False
        self.greeted, self._rest = True, rest
        return True


def _message(block: bytes) -> Message | None:
    fields: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return Message(fields) if fields else None


def action(name: str, action_id: str, fields: Iterable[tuple[str, str]] = ()) -> bytes:
    """One action. Raises ValueError for a value with a line end, which would be more than one line."""
    lines = [("Action", name), ("ActionID", action_id), *fields]
    if any("\r" in value or "\n" in value for _, value in lines):
        raise ValueError("a line end in a value")
    return ("".join(f"{key}: {value}\r\n" for key, value in lines) + "\r\n").encode()
