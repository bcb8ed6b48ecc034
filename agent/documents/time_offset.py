"""RPID time-offset from a time zone, daylight saving included (RFC 4480 §3.13). Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.documents.rpid import TimeOffset

AHEAD = timedelta(days=370)
"How far changes of the clock are looked for: each zone that has any has one within a year."


def time_offsets(zone: str, now: datetime) -> tuple[TimeOffset, ...]:
    """The offset that holds now and, if the clocks change within a year, the one after that.

    Both carry their range, so that a watcher shows the right one at the second of the change without being told again.
    Raises ZoneInfoNotFoundError (a KeyError) for a name that is no IANA time zone.
    """
    place = ZoneInfo(zone)
    first, second = (*_changes(place, now), None, None)[:2]
    present = TimeOffset(from_=None, until=first, minutes=_minutes(place, now), description=zone)
    if first is None:
        return (present,)
    return present, TimeOffset(from_=first, until=second, minutes=_minutes(place, first), description=zone)


def _changes(place: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """The moments after now at which the offset changes, to the second, in order."""
    day = now.astimezone(UTC).replace(microsecond=0)
    end = day + AHEAD
    while day < end:
        following = day + timedelta(days=1)
        if _minutes(place, day) != _minutes(place, following):
            yield _change_between(place, day, following)
        day = following


def _change_between(place: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = _minutes(place, before)
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _minutes(place, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _minutes(place: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(place).utcoffset() or timedelta()
    return round(offset.total_seconds() / 60)
