"""Telling that a phone is offline only when it has been gone for a while: the timer around `calls.OfflineGrace`."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.base import Clock
from connectors.calls import OfflineGrace
from connectors.facts import ReachState


class OfflineWatch:
    """``tell`` is called with each state when it is time to say it; `cancel` when nothing is known any more."""

    def __init__(self, clock: Clock, hold: timedelta, tell: Callable[[ReachState], None]) -> None:
        self._clock, self._hold, self._tell = clock, hold, tell
        self._grace = OfflineGrace(hold)
        self._timer: asyncio.TimerHandle | None = None

    def heard(self, state: ReachState, now: datetime) -> None:
        """The source says so, perhaps again."""
        said = self._grace.heard(state, now)
        if said is not None:
            self._disarm()
            self._tell(said)
        elif self._timer is None:
            self._arm()

    def cancel(self) -> None:
        """Forget that it may be gone."""
        self._disarm()
        self._grace = OfflineGrace(self._hold)

    def _arm(self) -> None:
        assert self._grace.due is not None
        wait = max((self._grace.due - self._clock.now()).total_seconds(), 0.001)
        self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        said = self._grace.ripe(self._clock.now())
        if said is not None:
            self._tell(said)
        elif self._grace.due is not None:
            self._arm()  # the two clocks do not agree to the millisecond
