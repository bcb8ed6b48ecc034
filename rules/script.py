"""A day in words, for tests and simulations: ``busy 10:00-11:00``, ``talking from 10:20 to 10:25 on desk``."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from connectors.facts import (
    ActivityState,
    ActivityValue,
    CalendarEvent,
    CalendarValue,
    CallState,
    CallValue,
    Fact,
    FactKind,
    FactValue,
    ManualValue,
    Period,
    PlaceValue,
    ReachState,
    ReachValue,
    ScheduleValue,
    Shows,
)
from rules.person import zone
from rules.values import ValueProblem, time_of_day

_WORDS: dict[FactKind, tuple[str, ...]] = {
    FactKind.CALENDAR: tuple(shows.value for shows in Shows),
    FactKind.CALL: tuple(state.value for state in CallState),
    FactKind.ACTIVITY: tuple(state.value for state in ActivityState),
    FactKind.REACH: tuple(state.value for state in ReachState),
    FactKind.SCHEDULE: ("working", "holiday"),
}
_FLAGS = ("private", "online", "in", "out")
_OPTIONS = ("on", "tag", "calendar", "category", "title", "place", "with", "note", "zone", "label")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that holds for a while. Times since local midnight of the day."""

    kind: FactKind
    word: str
    start: timedelta | None
    end: timedelta | None
    options: tuple[tuple[str, str], ...] = ()
    silent: timedelta | None = None
    "From then on the source says nothing any more."

    def option(self, name: str, default: str = "") -> str:
        return dict(self.options).get(name, default)


def parse_entry(kind: FactKind, text: str) -> Entry:
    """Raises ValueProblem with what was expected."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueProblem(f"`{text}`: a quote is not closed") from error
    if not words:
        raise ValueProblem("nothing is given")
    word, rest = words[0], words[1:]
    known = _WORDS.get(kind)
    if known is not None and word not in known:
        raise ValueProblem(f"`{word}` is not known for {kind.value}; known: {', '.join(known)}")
    start = end = silent = None
    options: list[tuple[str, str]] = []
    while rest:
        one = rest.pop(0)
        if "-" in one and ":" in one:
            first, _, last = one.partition("-")
            start, end = time_of_day(first), time_of_day(last)
        elif one == "all" and rest[:1] == ["day"]:
            rest.pop(0)
            options.append(("all-day", "yes"))
        elif one in ("until", "to") and rest[:1] == ["return"]:
            rest.pop(0)
            options.append(("until-return", "yes"))
        elif one in _FLAGS:
            options.append((one, "yes"))
        elif one in ("from", "to", "until", "silent", *_OPTIONS):
            if one == "silent" and rest[:1] == ["from"]:
                rest.pop(0)
            if not rest:
                raise ValueProblem(f"`{text}`: something must follow `{one}`")
            value = rest.pop(0)
            if one == "from":
                start = time_of_day(value)
            elif one in ("to", "until"):
                end = time_of_day(value)
            elif one == "silent":
                silent = time_of_day(value)
            else:
                options.append((one, value))
        else:
            raise ValueProblem(
                f"`{text}`: `{one}` is not understood; write it like `{word} from 10:00 to 11:00`"
            )
    if start is not None and end is not None and end <= start:
        end += timedelta(days=1)
    return Entry(kind, word, start, end, tuple(options), silent)


@dataclass(frozen=True, slots=True)
class Script:
    """What is known of one person in the course of a day (and of other days, through ``extra``)."""

    day: date
    timezone: str
    entries: tuple[Entry, ...]
    extra: tuple[Fact, ...] = field(default=())
    person: str = "somebody"

    def at(self, offset: timedelta) -> datetime:
        """The moment when local clocks show that time on the day."""
        return (
            (datetime.combine(self.day, time()) + offset).replace(tzinfo=zone(self.timezone)).astimezone(UTC)
        )

    def moments(self) -> set[datetime]:
        """When something new is heard."""
        offsets = {
            offset for entry in self.entries for offset in (entry.start, entry.end) if offset is not None
        }
        return {self.at(offset) for offset in offsets}

    def facts(self, now: datetime) -> tuple[Fact, ...]:
        """All that is known at ``now``, as the connectors would have put it."""
        facts: list[Fact] = list(self.extra)
        for (kind, stream), entries in self._streams().items():
            value = self._value(kind, stream, entries, now)
            if value is not None:
                observed, until = self._times(entries, now)
                facts.append(Fact(self.person, f"test:{kind.value}/{stream}", value, observed, until))
        return tuple(facts)

    def _streams(self) -> dict[tuple[FactKind, str], list[Entry]]:
        streams: dict[tuple[FactKind, str], list[Entry]] = {}
        for entry in self.entries:
            name = entry.option("calendar") if entry.kind is FactKind.CALENDAR else entry.option("on")
            streams.setdefault((entry.kind, name), []).append(entry)
        return streams

    def _times(self, entries: list[Entry], now: datetime) -> tuple[datetime, datetime | None]:
        silent = min((self.at(entry.silent) for entry in entries if entry.silent is not None), default=None)
        if entries[0].kind is FactKind.MANUAL:
            running = [self._start(entry) for entry in entries if self._start(entry) <= now]
            return max(running), silent
        return (min(now, silent) if silent is not None else now), silent

    def _start(self, entry: Entry) -> datetime:
        return self.at(entry.start or timedelta())

    def _running(self, entries: Iterable[Entry], now: datetime) -> Entry | None:
        """The latest entry that has begun and not ended."""
        found = [
            entry
            for entry in entries
            if self._start(entry) <= now and (entry.end is None or now < self.at(entry.end))
        ]
        return max(found, key=self._start, default=None)

    def _since(self, entries: Iterable[Entry], now: datetime) -> datetime:
        """When the streams' state last changed."""
        times = [
            self.at(offset) for entry in entries for offset in (entry.start, entry.end) if offset is not None
        ]
        return max((at for at in times if at <= now), default=self.at(timedelta()))

    def _value(self, kind: FactKind, stream: str, entries: list[Entry], now: datetime) -> FactValue | None:
        if kind is FactKind.CALENDAR:
            events = sorted((self._event(entry) for entry in entries), key=lambda event: event.start)
            window = timedelta(days=30)
            day = self.at(timedelta())
            return CalendarValue(tuple(events), day - window, day + window, stream)
        if kind is FactKind.SCHEDULE:
            periods = {"working": [], "holiday": []}  # type: dict[str, list[Period]]
            for entry in entries:
                end = self.at(entry.end if entry.end is not None else timedelta(days=1))
                periods[entry.word].append(Period(self._start(entry), end, entry.option("label")))
            return ScheduleValue(tuple(periods["working"]), tuple(periods["holiday"]))
        running = self._running(entries, now)
        since = self._since(entries, now)
        match kind:
            case FactKind.CALL:
                if running is None:
                    return CallValue(CallState.IDLE, since, device=stream)
                way = next((flag for flag in ("in", "out") if running.option(flag)), None)
                return CallValue(CallState(running.word), since, way, running.option("with") or None, stream)
            case FactKind.PLACE:
                if running is None:
                    return PlaceValue(None, since)
                tag = running.option("tag")
                return PlaceValue(running.word, since, (tag,) if tag else ())
            case FactKind.REACH:
                return ReachValue(stream, ReachState(running.word) if running else ReachState.OFFLINE)
            case FactKind.ACTIVITY:
                return self._activity(stream, entries, running, now)
            case _:
                return self._manual(entries, now)

    def _event(self, entry: Entry) -> CalendarEvent:
        end = self.at(entry.end if entry.end is not None else timedelta(days=1))
        private = bool(entry.option("private"))
        category = entry.option("category")
        return CalendarEvent(
            self._start(entry),
            end,
            Shows(entry.word),
            all_day=bool(entry.option("all-day")),
            private=private,
            title=None if private else entry.option("title") or None,
            place=None if private else entry.option("place") or None,
            categories=(category,) if category else (),
            attendees=int(entry.option("with")) if entry.option("with").isdigit() else None,
            online_meeting=bool(entry.option("online")),
        )

    def _activity(
        self, device: str, entries: list[Entry], running: Entry | None, now: datetime
    ) -> ActivityValue | None:
        ended = [
            self.at(entry.end)
            for entry in entries
            if entry.word == "active" and entry.end is not None and self.at(entry.end) <= now
        ]
        last = max(ended, default=None)
        if running is not None:
            state = ActivityState(running.word)
            return ActivityValue(device, state, now if state is ActivityState.ACTIVE else last)
        return ActivityValue(device, ActivityState.IDLE, last) if last is not None else None

    def _manual(self, entries: list[Entry], now: datetime) -> ManualValue | None:
        begun = [entry for entry in entries if self._start(entry) <= now]
        if not begun:
            return None
        entry = max(begun, key=self._start)
        return ManualValue(
            None if entry.word == "auto" else entry.word,
            entry.option("note") or None,
            self.at(entry.end) if entry.end is not None else None,
            bool(entry.option("until-return")),
        )
