"""Moments as sources write them in numbers. Pure."""

from datetime import UTC, datetime, timedelta

_MILLISECONDS = 100_000_000_000
"A number above this many seconds (the year 5138) counts milliseconds."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def since_1970(number: float, *, milliseconds: bool | None = None) -> datetime:
    """Aware UTC. ``milliseconds`` None: as the size of the number says. Raises OverflowError outside the calendar."""
    if milliseconds is None:
        milliseconds = number > _MILLISECONDS
    return EPOCH + timedelta(seconds=number / 1000 if milliseconds else number)
