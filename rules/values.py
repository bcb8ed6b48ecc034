"""The small values that a rule is written with: durations, times of day, days, comparisons, text matches."""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?\Z")
_DATE = re.compile(r"(?:(\d{4})-)?(\d{1,2})-(\d{1,2})\Z")
_COMPARE = re.compile(r"(>=|<=|>|<|=)?\s*([^<>=.]+(?:\.\d[^<>=.]*)?)(?:\.\.\s*(.+))?\Z")


class ValueProblem(ValueError):
    """The text does not mean what it should. Its message says what was expected."""


def duration(text: str) -> timedelta:
    """``90s``, ``10m``, ``1h30m``, ``2d``."""
    if not _DURATION.match(text.strip()):
        raise ValueProblem(f"`{text}` is not a duration; write it like 90s, 10m, 1h30m or 2d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > 366 * 86400:
        raise ValueProblem(f"`{text}` is longer than a year")
    return timedelta(seconds=seconds)


def spell(length: timedelta) -> str:
    """A duration as people say it: ``25 min``, ``2 h 05 min``, ``3 d``."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    return f"{seconds // 86400} d"


def time_of_day(text: str) -> timedelta:
    """``HH:MM`` or ``HH:MM:SS`` as time since local midnight; ``24:00`` is the end of the day."""
    match = _TIME.match(text.strip())
    if match is None:
        raise ValueProblem(f"`{text}` is not a time of day; write it like 09:30")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if hours == 24 and (minutes or seconds):
        raise ValueProblem(f"`{text}` is after the end of the day (24:00)")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def weekdays(text: str) -> frozenset[int]:
    """``mon-fri``, ``sat,sun``, ``fri-mon`` as numbers from Monday = 0."""
    days: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip().lower()):
        first, dash, last = part.partition("-")
        ends = [_weekday(first), _weekday(last)] if dash else [_weekday(first)]
        span = (ends[-1] - ends[0]) % 7
        days.update((ends[0] + step) % 7 for step in range(span + 1))
    return frozenset(days)


def _weekday(word: str) -> int:
    if len(word) < 2:
        raise ValueProblem(f"`{word}` is not a weekday; known: {', '.join(DAYS)}")
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for number, name in enumerate(full):
        if word == name or (name.startswith(word) and len(word) >= 2):
            return number
    raise ValueProblem(f"`{word}` is not a weekday; known: {', '.join(DAYS)}")


@dataclass(frozen=True, slots=True)
class Day:
    """A date, of one year or of every year (``year`` None)."""

    year: int | None
    month: int
    day: int

    def key(self) -> tuple[int, int]:
        return (self.month, self.day)


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Both ends belong to it. Without years it may run over New Year."""

    first: Day
    last: Day

    def holds(self, on: date) -> bool:
        if self.first.year is not None and self.last.year is not None:
            start = date(self.first.year, self.first.month, self.first.day)
            return start <= on <= date(self.last.year, self.last.month, self.last.day)
        key = (on.month, on.day)
        first, last = self.first.key(), self.last.key()
        return first <= key <= last if first <= last else key >= first or key <= last


def _day(text: str) -> Day:
    match = _DATE.match(text.strip())
    if match is None:
        raise ValueProblem(f"`{text}` is not a date; write 2026-12-24, or 12-24 for every year")
    year, month, number = match.groups()
    try:
        date(int(year) if year else 2024, int(month), int(number))
    except ValueError as error:
        raise ValueProblem(f"`{text}` is not a date: {error}") from error
    return Day(int(year) if year else None, int(month), int(number))


def day_span(text: str) -> DaySpan:
    """``2026-12-24``, ``12-24..01-01``."""
    first, dots, last = text.partition("..")
    span = DaySpan(_day(first), _day(last if dots else first))
    if (span.first.year is None) != (span.last.year is None):
        raise ValueProblem(f"`{text}` has a year on one side only")
    return span


@dataclass(frozen=True, slots=True)
class Compare:
    """``low <= value < high``; for counts ``high`` is the first number too many."""

    low: float
    high: float
    text: str
    edges: tuple[float, ...] = field(init=False, compare=False)
    "Where the answer changes as the value grows."

    def __post_init__(self) -> None:
        inside = tuple(edge for edge in (self.low, self.high) if 0 < edge < float("inf"))
        object.__setattr__(self, "edges", inside)

    def holds(self, value: float) -> bool:
        return self.low <= value < self.high


def compare(text: str, unit: Callable[[str], float], step: float, bare: str) -> Compare:
    """``>2``, ``<=3``, ``2..5``, ``3``. ``step`` is the smallest difference (0: continuous), ``bare`` the
    operator meant when none is written."""
    match = _COMPARE.match(text.strip())
    if match is None:
        raise ValueProblem(f"`{text}` is not a comparison; write it like >5, <=5, 2..5")
    sign, first, last = match.groups()
    low = unit(first.strip())
    if last is not None:
        high = unit(last.strip())
        if sign or high < low:
            raise ValueProblem(f"`{text}` is not a range; write the smaller end first, like 2..5")
        return Compare(low, high + step, text)
    infinite = float("inf")
    ranges = {
        ">": (low + step, infinite),
        ">=": (low, infinite),
        "<": (-infinite, low),
        "<=": (-infinite, low + step),
        "=": (low, low + (step or 1)),
    }
    return Compare(*ranges[sign or bare], text=text)


def compare_duration(text: str) -> Compare:
    """Of a length of time; a bare ``10m`` means *at least*."""
    return compare(text, lambda part: duration(part).total_seconds(), 0, ">=")


def compare_count(text: str) -> Compare:
    """Of whole numbers; a bare ``3`` means *exactly*."""
    return compare(text, _whole, 1, "=")


def compare_share(text: str) -> Compare:
    """Of a share between 0 and 1; a bare ``0.5`` means *at least*."""
    return compare(text, _number, 0, ">=")


def _whole(text: str) -> float:
    if not text.isdigit():
        raise ValueProblem(f"`{text}` is not a whole number")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueProblem(f"`{text}` is not a number") from error


@dataclass(frozen=True, slots=True)
class TextMatch:
    """Any of several words, upper and lower case alike; ``*`` and ``?`` stand for what you like."""

    words: tuple[str, ...]
    _exact: frozenset[str]
    _globs: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, words: list[str]) -> "TextMatch":
        lowered = [word.casefold() for word in words]
        globs = [word for word in lowered if "*" in word or "?" in word]
        patterns = tuple(re.compile(fnmatch.translate(word)) for word in globs)
        return cls(tuple(words), frozenset(set(lowered) - set(globs)), patterns)

    def holds(self, text: str | None) -> bool:
        if text is None:
            return False
        lowered = text.casefold()
        if lowered in self._exact:
            return True
        return bool(self._globs) and any(pattern.match(lowered) for pattern in self._globs)

    def holds_any(self, texts: tuple[str, ...]) -> bool:
        for text in texts:  # noqa: SIM110 - half the time of any() with a generator
            if self.holds(text):
                return True
        return False


def local_midnight(at: datetime) -> datetime:
    """The wall clock's midnight before ``at``, without an offset of its own."""
    return datetime.combine(at.date(), time())
