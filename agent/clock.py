"""The only place that reads the clock. Everything else takes ``now`` as a parameter."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what people and other machines see, monotonic time for timers."""

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""

    def wall(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z. May jump when the machine's clock is set."""

    def now(self) -> datetime:
        """The wall time as an aware UTC datetime."""


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def now(self) -> datetime:
        return datetime.now(UTC)
