"""The wire log: what was sent and received, as it was, but for the secrets."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.sip.flows import Flow, format_address
from agent.sip.messages import Message, Request, Response

Batch = Sequence[tuple[Flow, bytes | Message]]
_CREDENTIAL_LINE: Final = re.compile(rb"^((?:Proxy-)?Authorization[ \t]*:[ \t]*)([^\r\n]*)", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Entry:
    """One send or receive. ``data`` is redacted already."""

    at: float
    "Wall clock, seconds."
    received: bool
    flow: Flow
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")

    def __str__(self) -> str:
        arrow = "<-" if self.received else "->"
        peer = f"{self.flow.transport.value} {format_address(self.flow.remote)}"
        return f"{self.at:.3f} {arrow} {peer}\n{self.text}"


class Transcript:
    """Keeps the last messages and tells them to whoever listens.

    Of ten thousand messages a second hardly one is ever looked at: they are kept in the batches in which they passed,
    and entries are made when somebody asks.
    """

    def __init__(self, keep: int = 200, listener: Callable[[Entry], None] | None = None) -> None:
        self._keep = keep
        self._kept: deque[tuple[float, bool, Batch]] = deque()
        self._messages = 0
        "How many there are in ``_kept``."
        self._listener = listener

    @property
    def entries(self) -> list[Entry]:
        """The last ones, in order."""
        every = [
            _entry(at, received, flow, data) for at, received, batch in self._kept for flow, data in batch
        ]
        return every[-self._keep :]

    def received(self, batch: Batch, at: float) -> None:
        """Pairs of flow and message, which nobody changes any more."""
        self._passed(batch, True, at)

    def sent(self, batch: Batch, at: float) -> None:
        """Pairs of flow and message, which nobody changes any more."""
        self._passed(batch, False, at)

    def _passed(self, batch: Batch, received: bool, at: float) -> None:
        kept = self._kept
        kept.append((at, received, batch))
        self._messages += len(batch)
        while self._messages - len(kept[0][2]) >= self._keep:
            self._messages -= len(kept.popleft()[2])
        if self._listener is not None:
            for flow, data in batch:
                self._listener(_entry(at, received, flow, data))


def _entry(at: float, received: bool, flow: Flow, data: bytes | Message) -> Entry:
    if isinstance(data, Request | Response):
        data = data.encode()  # it came from within this process (`agent.net.memory`)
    return Entry(at, received, flow, redact(data))


def redact(data: bytes) -> bytes:
    """Take digest answers out: with one and the nonce, a weak password can be guessed off line."""
    if b"uthorization" not in data and b"UTHORIZATION" not in data:
        return data
    return _CREDENTIAL_LINE.sub(_redact_line, data)


def _redact_line(match: re.Match[bytes]) -> bytes:
    value = re.sub(
        rb'((?:response|cnonce)\s*=\s*)("[^"]*"|[^,\s]+)', rb'\1"[redacted]"', match[2], flags=re.I
    )
    if not value.lower().lstrip().startswith(b"digest"):
        value = b"[redacted]"
    return match[1] + value
