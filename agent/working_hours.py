"""Working hours and public holidays of a person, as the periods that rules look at. Pure.

They are written in the settings: ``working_hours: mon-fri 09:00-17:30``, ``holidays: DE-BY``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays as calendars

from connectors.facts import Period, ScheduleValue
from rules.person import zone
from rules.values import ValueProblem, time_of_day, weekdays

DAY = timedelta(days=1)
AHEAD = 14
"Days that are expanded. Long enough to say after a bridge of holidays when somebody is back."
_SPAN = re.compile(r"(\S+)-(\S+)\Z")


@dataclass(frozen=True, slots=True)
class WorkingSpan:
    """On each of these days (Monday = 0) from ``start`` to ``end`` after midnight; past 24 h: into the next day."""

    days: frozenset[int]
    start: timedelta
    end: timedelta


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """One person's week. ``region``: country and subdivision whose public holidays are days off; None: none are."""

    spans: tuple[WorkingSpan, ...]
    timezone: str
    region: tuple[str, str | None] | None = None


def parse_spans(text: str) -> tuple[WorkingSpan, ...]:
    """``mon-fri 09:00-17:30``, ``mon,wed 08:00-12:00 13:00-16:30``, ``fri 22:00-06:00``. Raises ValueProblem."""
    days, *spans = text.split() or [""]
    if not spans:
        raise ValueProblem(f"`{text}` is no working time; write it like mon-fri 09:00-17:30")
    on = weekdays(days)
    return tuple(_span(on, each) for each in spans)


def _span(days: frozenset[int], text: str) -> WorkingSpan:
    match = _SPAN.match(text)
    if match is None:
        raise ValueProblem(f"`{text}` is not a time from and to; write it like 09:00-17:30")
    start, end = time_of_day(match[1]), time_of_day(match[2])
    if start in (end, DAY):
        raise ValueProblem(f"`{text}` has no length")
    return WorkingSpan(days, start, end if end > start else end + DAY)


def parse_region(text: str) -> tuple[str, str | None]:
    """``DE`` or ``DE-BY``. Raises ValueProblem for one whose holidays are not known."""
    country, _, part = text.strip().upper().partition("-")
    known = calendars.list_supported_countries()
    if country not in known:
        raise ValueProblem(f"no public holidays are known for `{text}`; write a country like DE, or DE-BY")
    if part and part not in known[country]:
        raise ValueProblem(
            f"`{part}` is not a region of {country}; known: {', '.join(known[country]) or 'none'}"
        )
    return country, part or None


@lru_cache(maxsize=4096)
def expand(hours: WorkingHours, first: date, days: int = AHEAD) -> ScheduleValue:
    """The working periods and days off that begin on ``days`` local days from ``first`` on.

    On a day off nobody works, so that *back at* names a day on which somebody is.
    """
    working: list[Period] = []
    free: list[Period] = []
    for day in (first + number * DAY for number in range(days)):
        holiday = _holiday(hours.region, day)
        if holiday is not None:
            free.append(Period(_moment(day, timedelta(), hours), _moment(day, DAY, hours), holiday))
        else:
            working += _working(hours, day)
    return ScheduleValue(tuple(sorted(working, key=lambda one: (one.start, one.end))), tuple(free))


def _working(hours: WorkingHours, day: date) -> Iterator[Period]:
    for span in hours.spans:
        start, end = _moment(day, span.start, hours), _moment(day, span.end, hours)
        if day.weekday() in span.days and start < end:
            yield Period(start, end)


def _holiday(region: tuple[str, str | None] | None, day: date) -> str | None:
    """Its name, or None on any other day."""
    return None if region is None else _holidays(*region, day.year).get(day)


@lru_cache(maxsize=256)
def _holidays(country: str, part: str | None, year: int) -> dict[date, str]:
    return dict(calendars.country_holidays(country, subdiv=part, years=year))


def _moment(day: date, offset: timedelta, hours: WorkingHours) -> datetime:
    """When local clocks show that time; one that they jump over is meant with the offset before the jump."""
    return (datetime.combine(day, time()) + offset).replace(tzinfo=zone(hours.timezone)).astimezone(UTC)
