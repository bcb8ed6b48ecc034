"""Whose turn it is: the watchers that are owed a NOTIFY, each once, and the event loop not blocked by any storm."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from agent.clock import Clock
from agent.server.watch import Watch

log = logging.getLogger(__name__)

SLICE: Final = 256
"NOTIFYs rendered before the loop gets its turn: answers are read while a storm is still being sent."


class NotifyQueue:
    """``send(watch, now, monotonic)`` makes one NOTIFY of what is true at that moment, ``flush()`` lets a slice of them
    leave. The clocks are asked once for each slice."""

    def __init__(
        self, send: Callable[[Watch, float, float], None], flush: Callable[[], None], clock: Clock
    ) -> None:
        self._send = send
        self._flush = flush
        self._clock = clock
        self._ready: deque[Watch] = deque()
        self._sending_is_due = False

    def owe(self, watch: Watch, since: float, force: bool = False) -> None:
        """It is owed the newest state, another one since ``since`` (wall clock); ``force``: even if it knows it."""
        if watch.changed_at is None:
            watch.changed_at = since
        if force:
            watch.sent = None
        if watch.may_ring:
            watch.end_pause()
        if not watch.in_flight and not watch.queued and watch.paused is None:
            watch.queued = True
            self._ready.append(watch)
            self._arm()

    def _arm(self) -> None:
        if not self._sending_is_due:
            self._sending_is_due = True
            asyncio.get_running_loop().call_soon(self._send_slice)

    def _send_slice(self) -> None:
        self._sending_is_due = False
        ready = self._ready
        send, now, monotonic = self._send, self._clock.wall(), self._clock.monotonic()
        for _ in range(min(SLICE, len(ready))):
            watch = ready.popleft()
            watch.queued = False
            try:
                send(watch, now, monotonic)
            except Exception:
                log.exception("a NOTIFY to %s could not be made", watch.row.watcher)
        self._flush()
        if ready:
            self._arm()

    def __len__(self) -> int:
        """NOTIFYs waiting for their turn."""
        return len(self._ready)
