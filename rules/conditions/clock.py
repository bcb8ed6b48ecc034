"""``time:`` and ``schedule:`` the wall clock, dates, public holidays, working hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays

from connectors.facts import Period, ScheduleValue
from rules.conditions.base import Answer, Condition, FactCondition, Seen
from rules.person import zone
from rules.values import DaySpan, TextMatch
from rules.view import NEVER, Needs, View
from rules.vocabulary import HOLIDAY, OFF, WORKING

_DAY = timedelta(days=1)
_LOOK_AHEAD = 400
"Days searched for the next change: dates without a year come back within them."


@lru_cache(maxsize=256)
def _holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=region, years=year))


def country_problem(country: str, region: str | None) -> str | None:
    """Why there are no public holidays for it, in words; None when there are."""
    known = holidays.list_supported_countries()
    if country not in known:
        return f"no public holidays are known for the country `{country}`"
    if region is not None and region not in known[country]:
        return f"`{region}` is not a region of `{country}`; known: {', '.join(known[country]) or 'none'}"
    return None


def _at(day: date, offset: timedelta, timezone: str) -> datetime:
    """The UTC moment when local clocks show that time.

    A time that the clocks jump over is meant with the offset before the jump (RFC 5545 §3.3.5), one that
    comes twice is the first of the two.
    """
    return (datetime.combine(day, time()) + offset).replace(tzinfo=zone(timezone)).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCondition(Condition):
    """A window of each day that fits. Days and dates are those on which the window begins."""

    start: timedelta = timedelta()
    end: timedelta = _DAY
    days: frozenset[int] | None = None
    dates: tuple[DaySpan, ...] = ()
    holiday: tuple[str, str | None] | None = None

    def test(self, view: View) -> Answer:
        return _span(self, view.person.timezone, view.now)[0]

    @property
    def timed(self) -> bool:
        return True

    def edge(self, view: View) -> datetime:
        return _span(self, view.person.timezone, view.now)[2]

    def since(self, view: View) -> datetime | None:
        holds, began, _ = _span(self, view.person.timezone, view.now)
        return began if holds else None

    def seen(self, view: View) -> Seen:
        return Seen(f"it is {view.local():%a %H:%M}")

    def fits(self, day: date) -> bool:
        if self.days is not None and day.weekday() not in self.days:
            return False
        if self.dates and not any(span.holds(day) for span in self.dates):
            return False
        return self.holiday is None or day in _holidays(*self.holiday, day.year)

    def windows(self, first: date, count: int, timezone: str) -> Iterator[tuple[datetime, datetime]]:
        length = self.end if self.end > self.start else self.end + _DAY
        for number in range(count):
            day = first + number * _DAY
            if self.fits(day):
                start, end = _at(day, self.start, timezone), _at(day, length, timezone)
                if start < end:
                    yield start, end


_spans: dict[tuple[int, str], tuple[TimeCondition, Answer, datetime, datetime]] = {}


def _span(condition: TimeCondition, timezone: str, now: datetime) -> tuple[Answer, datetime, datetime]:
    """The answer now and the span in which it stays so. The last one is kept: most questions fall into it."""
    key = (id(condition), timezone)
    known = _spans.get(key)
    if known is not None and known[0] is condition and known[2] <= now < known[3]:
        return known[1], known[2], known[3]
    answer, start, end = _find_span(condition, timezone, now)
    if len(_spans) > 20_000:
        _spans.clear()
    _spans[key] = (condition, answer, start, end)
    return answer, start, end


def _find_span(condition: TimeCondition, timezone: str, now: datetime) -> tuple[Answer, datetime, datetime]:
    today = now.astimezone(zone(timezone)).date()
    before = datetime.min.replace(tzinfo=UTC)
    inside: tuple[datetime, datetime] | None = None
    for start, end in condition.windows(today - 2 * _DAY, _LOOK_AHEAD, timezone):
        if inside is not None:
            if start > inside[1]:
                break
            inside = (inside[0], max(end, inside[1]))
        elif start <= now < end:
            inside = (start, end)
        elif start > now:
            return False, before, start
        else:
            before = end
    return (True, *inside) if inside is not None else (False, before, NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCondition(FactCondition):
    """A day off beats working hours."""

    wanted: frozenset[str] | None = None
    label_match: TextMatch | None = None

    @property
    def needs(self) -> int:
        return Needs.SCHEDULE if self.stale is None else 0

    def test(self, view: View) -> Answer:
        facts = self.pick(view) if self.stale is not None else view.schedules
        if not facts:
            return None
        now_is, period = self._now(view)
        if (
            self.wanted is not None
            and now_is not in self.wanted
            and not (now_is == HOLIDAY and OFF in self.wanted)
        ):
            return False
        return self.label_match is None or (period is not None and self.label_match.holds(period.label))

    def _now(self, view: View) -> tuple[str, Period | None]:
        values = [fact.value for fact in self.pick(view)]
        schedules = [value for value in values if isinstance(value, ScheduleValue)]
        for what, periods in (
            (HOLIDAY, [period for value in schedules for period in value.holidays]),
            (WORKING, [period for value in schedules for period in value.working]),
        ):
            for period in periods:
                if period.start <= view.now < period.end:
                    return what, period
        return OFF, None

    def since(self, view: View) -> datetime | None:
        period = self._now(view)[1]
        return period.start if period is not None else None

    def seen(self, view: View) -> Seen:
        facts = tuple(self.pick(view))
        if not facts:
            return self.nothing(view)
        what, period = self._now(view)
        words = {WORKING: "working hours", OFF: "outside working hours", HOLIDAY: "a day off"}[what]
        return Seen(words + (f" ({period.label})" if period is not None and period.label else ""), facts)
