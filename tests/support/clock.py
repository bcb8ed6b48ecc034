"""Virtual time for tests: it only moves when told to."""

from datetime import UTC, datetime, timedelta

MONDAY_NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class VirtualClock:
    """Satisfies `agent.clock.Clock`. Monotonic and wall time move together unless ``jump`` is used."""

    def __init__(self, start: datetime = MONDAY_NINE) -> None:
        self._wall = start.timestamp()
        self._monotonic = 1000.0

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._wall, UTC)

    def advance(self, seconds: float | timedelta) -> None:
        step = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        self._wall += step
        self._monotonic += step

    def jump(self, seconds: float) -> None:
        """The wall clock was set; monotonic time did not move."""
        self._wall += seconds
