"""How late the server is at present: measured while something arrives, and at no cost otherwise."""

import asyncio
from collections.abc import Callable
from typing import Final

from agent.clock import Clock
from agent.presence.admission import Load

TICK: Final = 0.25
"Seconds between two measurements."


class Pressure:
    """``waiting()``: datagrams not yet read; ``owed()``: NOTIFYs not yet sent; ``transactions()``: server ones kept."""

    def __init__(
        self,
        clock: Clock,
        waiting: Callable[[], int],
        owed: Callable[[], int],
        transactions: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._waiting = waiting
        self._owed = owed
        self._transactions = transactions
        self._due: float | None = None
        self._asked = False
        self._late = 0.0
        "At the last tick."
        self._lag = 0.0
        self._queued = 0
        self._timer: asyncio.TimerHandle | None = None

    def load(self) -> Load:
        """As it stands; asked for every request."""
        self._asked = True
        if self._due is None:
            self._measure()
        return Load(self._lag, self._queued, self._owed(), self._transactions())

    def _measure(self) -> None:
        self._queued = self._waiting()
        self._due = self._clock.monotonic() + TICK
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _tick(self) -> None:
        assert self._due is not None
        # One late tick may be the machine's doing; what counts is that the next one is late as well.
        late = max(0.0, self._clock.monotonic() - self._due)
        self._lag, self._late = min(self._late, late), late
        self._due = None
        if self._asked:
            self._asked = False
            self._measure()
        else:
            self._lag = self._late = 0.0

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
