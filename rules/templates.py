"""Texts with ``{calendar.ends:%H:%M}`` in them: checked at load, filled in when a rule fires.

``{name|words}`` gives what to say when nothing is known; ``{{`` and ``}}`` are plain braces.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from connectors.facts import CallState, CallValue, PlaceValue, ScheduleValue, Shows
from rules.conditions.base import ago
from rules.conditions.calendar import CalendarCondition
from rules.person import zone
from rules.view import Running, View, newest
from rules.vocabulary import TEMPLATE_NAMES, TIMES

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"\s*([A-Za-z_.]+)\s*(?::([^|]*))?(?:\|(.*))?\Z", re.DOTALL)
_FORMAT = re.compile(r"(?:[^%]|%[-]?[aAbBcdeFHIjklmMpPRSTuUVwWxXyYZ%])+\Z", re.DOTALL)
MAX_LENGTH = 500
"Characters of a filled-in text; longer ones are cut, so that nobody's title floods a phone."


class TemplateProblem(ValueError):
    """``name`` is the name that is not known, if that is what is wrong."""

    def __init__(self, message: str, name: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    format: str | None
    otherwise: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """``fill`` gives None when something it needs is not known."""

    text: str
    pieces: tuple[str | _Field, ...]

    @property
    def fixed(self) -> str | None:
        """The text itself when nothing is to be filled in."""
        return "".join(str(piece) for piece in self.pieces) if not self.names else None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(piece.name for piece in self.pieces if isinstance(piece, _Field))

    def fill(self, view: View, calendar: CalendarCondition | None) -> str | None:
        parts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            value = _GETTERS[piece.name](view, calendar)
            if value is None:
                if piece.otherwise is None:
                    return None
                parts.append(piece.otherwise)
            elif isinstance(value, datetime):
                parts.append(_clock_text(value, view.person.timezone, piece.format or "%H:%M"))
            else:
                parts.append(str(value))
        return "".join(parts)[:MAX_LENGTH]


@lru_cache(maxsize=1024)
def _clock_text(moment: datetime, timezone: str, form: str) -> str:
    """Cached: at the full hour thousands of meetings end at the same few moments."""
    return moment.astimezone(zone(timezone)).strftime(form)


def compile_template(text: str) -> Template:
    """Raises TemplateProblem."""
    pieces: list[str | _Field] = []
    at = 0
    for match in _PIECE.finditer(text):
        pieces.append(text[at : match.start()])
        at = match.end()
        found = match.group(0)
        if found in ("{{", "}}"):
            pieces.append(found[0])
        elif match.group(1) is None:
            raise TemplateProblem(
                f"a single {found} in `{text}`", hint=f"a plain brace is written {found * 2}"
            )
        else:
            pieces.append(_field(match.group(1)))
    pieces.append(text[at:])
    return Template(text, tuple(piece for piece in pieces if piece != ""))


def _field(inside: str) -> _Field:
    match = _FIELD.match(inside)
    if match is None:
        raise TemplateProblem(f"`{{{inside}}}` is not a name", hint="write it like {calendar.ends:%H:%M}")
    name, form, otherwise = match.groups()
    if name not in TEMPLATE_NAMES:
        raise TemplateProblem(f"`{name}` in `{{{inside}}}` is not known", name=name)
    if form is not None and name not in TIMES:
        raise TemplateProblem(f"`{name}` is not a time and takes no format", hint=f"write {{{name}}}")
    if form is not None and (not form or not _FORMAT.match(form)):
        raise TemplateProblem(f"`{form}` is not a time format", hint="write it like %H:%M or %d %b")
    return _Field(name, form, otherwise)


_Value = str | int | datetime | None
_Getter = Callable[[View, CalendarCondition | None], _Value]


def _event(view: View, calendar: CalendarCondition | None) -> Running | None:
    if calendar is not None:
        return calendar.event(view)
    counted = (running for running in view.running if running.counts)
    return max(counted, key=lambda running: (running.rank, running.event.end), default=None)


def free_at(view: View, calendar: CalendarCondition | None) -> datetime | None:
    """The end of the last event that follows the running one without a gap."""
    running = _event(view, calendar)
    if running is None:
        return None
    end = running.event.end
    events = sorted(
        (event.start, event.end)
        for fact in view.fresh_calendars
        for event in getattr(fact.value, "events", ())
        if event.shows not in (Shows.FREE, Shows.ELSEWHERE) and not event.all_day
    )
    for start, until in events:
        if start <= end < until:
            end = until
    return end


def _may_say(view: View, running: Running, level: str) -> bool:
    """Titles and places need the level `details`, categories at least `category`; private events give nothing."""
    levels = ("busy", "category", "details")
    if running.event.private or view.person.privacy not in levels:
        return False
    return levels.index(view.person.privacy) >= levels.index(level)


def _calendar(get: Callable[[Running], _Value], level: str | None = None) -> _Getter:
    def getter(view: View, calendar: CalendarCondition | None) -> _Value:
        running = _event(view, calendar)
        if running is None or (level is not None and not _may_say(view, running, level)):
            return None
        return get(running)

    return getter


def _call(get: Callable[[CallValue], _Value]) -> _Getter:
    def getter(view: View, _: CalendarCondition | None) -> _Value:
        for fact in view.calls:
            if isinstance(fact.value, CallValue) and fact.value.state is not CallState.IDLE:
                return get(fact.value)
        return None

    return getter


def _place(get: Callable[[PlaceValue], _Value]) -> _Getter:
    def getter(view: View, _: CalendarCondition | None) -> _Value:
        fact = newest(view.places)
        return get(fact.value) if fact is not None and isinstance(fact.value, PlaceValue) else None

    return getter


def _idle(view: View, _: CalendarCondition | None) -> _Value:
    last = view.last_input(view.activities)
    return None if last is None else ago(last, view.clock_for_input())


def _last_device(view: View, _: CalendarCondition | None) -> _Value:
    last = view.last_input(view.activities)
    for fact in view.activities:
        if last is not None and view.last_input([fact]) == last:
            return str(getattr(fact.value, "device", "")) or None
    return None


def _schedule_label(view: View, _: CalendarCondition | None) -> _Value:
    for fact in view.schedules:
        if isinstance(fact.value, ScheduleValue):
            for period in (*fact.value.holidays, *fact.value.working):
                if period.start <= view.now < period.end and period.label:
                    return period.label
    return None


_GETTERS: Mapping[str, _Getter] = MappingProxyType(
    {
        "calendar.starts": _calendar(lambda running: running.event.start),
        "calendar.ends": _calendar(lambda running: running.event.end),
        "calendar.free_at": free_at,
        "calendar.title": _calendar(lambda running: running.event.title, "details"),
        "calendar.place": _calendar(lambda running: running.event.place, "details"),
        "calendar.category": _calendar(
            lambda running: next(iter(running.event.categories), None), "category"
        ),
        "calendar.attendees": _calendar(lambda running: running.event.attendees, "category"),
        "call.since": _call(lambda call: call.since),
        "call.remote": _call(lambda call: call.remote),
        "call.direction": _call(lambda call: call.direction),
        "call.device": _call(lambda call: call.device or None),
        "place.zone": _place(lambda place: place.zone),
        "place.since": _place(lambda place: place.since),
        "activity.last_input": lambda view, _: view.last_input(view.activities),
        "activity.idle": _idle,
        "activity.device": _last_device,
        "manual.state": lambda view, _: view.manual.state if view.manual else None,
        "manual.note": lambda view, _: view.manual.note if view.manual else None,
        "manual.until": lambda view, _: view.manual.until if view.manual else None,
        "schedule.label": _schedule_label,
        "schedule.working_from": lambda view, _: view.next_working(),
        "person.key": lambda view, _: view.person.key,
        "person.name": lambda view, _: view.person.name or view.person.key,
    }
)
