"""The facts about one person as the conditions look at them at one moment. Pure, built once per evaluation."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from connectors.facts import (
    KIND_OF,
    ActivityState,
    ActivityValue,
    CalendarEvent,
    CalendarValue,
    CallState,
    Fact,
    FactKind,
    ManualValue,
    PlaceValue,
    ReachState,
    ReachValue,
    ScheduleValue,
    Shows,
)
from rules.memory import NO_MEMORY, Memory
from rules.merging import counting
from rules.person import Person, local
from rules.reading import CalendarMeaning

NEVER = datetime.max.replace(tzinfo=UTC)
"Later than anything that happens."


class Running(NamedTuple):
    """One event, with what it counts as and whence it comes."""

    rank: int
    shows: Shows
    event: CalendarEvent
    calendar: str
    fact: Fact
    counts: bool


class Needs:
    """Bits of what must be there for a condition to hold at all, so that whole rules need not be asked."""

    EVENT, CHOICE, CALL, PLACE, ACTIVITY, REACH, SCHEDULE = (1 << bit for bit in range(7))


class View:
    """Facts by kind, fresh apart from stale, the events that are running, and the next edge in time.

    ``frozen`` looks ahead: facts are taken to stay fresh and nobody to touch or leave a device after it.
    """

    __slots__ = (
        "_best_reach",
        "_last_input",
        "activities",
        "calls",
        "edge",
        "fresh",
        "fresh_calendars",
        "frozen",
        "manual",
        "manual_fact",
        "memory",
        "now",
        "outvoted",
        "person",
        "places",
        "reaches",
        "running",
        "schedules",
        "stale",
    )

    def __init__(
        self,
        person: Person,
        facts: Sequence[Fact],
        now: datetime,
        reading: Mapping[Shows, int],
        calendars: Mapping[str, CalendarMeaning],
        memory: Memory = NO_MEMORY,
        frozen: datetime | None = None,
    ) -> None:
        self.person = person
        self.now = now
        self.memory = memory
        self.frozen = frozen
        self.fresh_calendars: list[Fact] = []
        self.calls: list[Fact] = []
        self.places: list[Fact] = []
        self.activities: list[Fact] = []
        self.reaches: list[Fact] = []
        self.schedules: list[Fact] = []
        self.stale: list[Fact] = []
        self.outvoted: list[Fact] = []
        "Fresh, but a surer source says something of the same device."
        self.running: list[Running] = []
        self.manual: ManualValue | None = None
        self.manual_fact: Fact | None = None
        edge = NEVER
        self.fresh: dict[FactKind, list[Fact]] = {
            FactKind.CALENDAR: self.fresh_calendars,
            FactKind.CALL: self.calls,
            FactKind.PLACE: self.places,
            FactKind.ACTIVITY: self.activities,
            FactKind.REACH: self.reaches,
            FactKind.SCHEDULE: self.schedules,
        }
        for fact in facts:
            value = fact.value
            if type(value) is ManualValue:
                self._choose(fact)
                continue
            until = fact.valid_until
            if until is not None and frozen is None:
                if now >= until:
                    self.stale.append(fact)
                    continue
                if until < edge:
                    edge = until
            if type(value) is CalendarValue:
                if not value.window_start <= now < value.window_end:
                    self.stale.append(fact)
                    if now < value.window_start < edge:
                        edge = value.window_start
                    continue
                if value.window_end < edge:
                    edge = value.window_end
                edge = self._run(fact, value, reading, calendars, edge)
            self.fresh[KIND_OF[type(value)]].append(fact)
        if len(self.calls) > 1:
            self._settle(self.calls)
        if len(self.reaches) > 1:
            self._settle(self.reaches)
        self.edge = self._other_edges(edge)
        self._last_input: tuple[datetime | None] | None = None
        self._best_reach: tuple[ReachState | None] | None = None

    def _settle(self, facts: list[Fact]) -> None:
        count, outvoted = counting(facts)
        if outvoted:
            facts[:] = count
            self.outvoted += outvoted

    def _choose(self, fact: Fact) -> None:
        if self.manual_fact is None or fact.observed_at >= self.manual_fact.observed_at:
            self.manual_fact = fact
            value = fact.value
            assert isinstance(value, ManualValue)
            over = value.until is not None and value.until <= self.now
            self.manual = value if value.state is not None and not over else None

    def _run(
        self,
        fact: Fact,
        value: CalendarValue,
        reading: Mapping[Shows, int],
        calendars: Mapping[str, CalendarMeaning],
        edge: datetime,
    ) -> datetime:
        now = self.now
        meaning = calendars.get(value.calendar)
        for event in value.events:
            start, end = event.start, event.end
            if start > now:
                if start < edge:
                    edge = start
                break
            if end > now:
                if end < edge:
                    edge = end
                shows = event.shows
                if meaning is not None and meaning.shows_as is not None and shows is not Shows.FREE:
                    shows = meaning.shows_as
                counts = meaning is None or meaning.counts
                self.running.append(Running(reading[shows], shows, event, value.calendar, fact, counts))
        return edge

    def _other_edges(self, edge: datetime) -> datetime:
        now = self.now
        if self.manual is not None and self.manual.until is not None and self.manual.until < edge:
            edge = self.manual.until
        for fact in self.schedules:
            value = fact.value
            assert isinstance(value, ScheduleValue)
            for periods in (value.working, value.holidays):
                for period in periods:
                    at = period.start if period.start > now else period.end
                    if now < at < edge:
                        edge = at
        return edge

    def local(self) -> datetime:
        return local(self.now, self.person.timezone)

    def stale_of(self, kind: FactKind) -> list[Fact]:
        return [fact for fact in self.stale if fact.kind is kind]

    def knows(self, kind: FactKind) -> bool:
        """Something fresh of that kind is known."""
        return bool(self.fresh_of(kind))

    def fresh_of(self, kind: FactKind) -> list[Fact]:
        if kind is FactKind.MANUAL:
            return [self.manual_fact] if self.manual_fact is not None else []
        return self.fresh[kind]

    def clock_for_input(self) -> datetime:
        """Up to when idling is counted; looking ahead it stands still, because nobody knows."""
        return self.frozen if self.frozen is not None else self.now

    def last_input(self, facts: Sequence[Fact]) -> datetime | None:
        """The latest use of any of these devices, as far as it is known."""
        latest: datetime | None = None
        for fact in facts:
            value = fact.value
            if not isinstance(value, ActivityValue):
                continue
            at = value.last_input
            if at is None and value.state is ActivityState.ACTIVE:
                at = fact.observed_at
            if at is not None and (latest is None or at > latest):
                latest = at
        return latest

    def last_input_at_all(self) -> datetime | None:
        """Of all devices; found once."""
        if self._last_input is None:
            self._last_input = (self.last_input(self.activities),)
        return self._last_input[0]

    def best_reach(self) -> ReachState | None:
        """Of all devices; found once."""
        if self._best_reach is None:
            states = {fact.value.state for fact in self.reaches if isinstance(fact.value, ReachValue)}
            self._best_reach = (next((state for state in ReachState if state in states), None),)
        return self._best_reach[0]

    def present(self) -> int:
        """What there is to look at, as the bits of `Needs`."""
        bits = 0
        if self.running:
            bits |= Needs.EVENT
        if self.manual is not None:
            bits |= Needs.CHOICE
        for fact in self.calls:
            if fact.value.state is not CallState.IDLE:  # type: ignore[union-attr]
                bits |= Needs.CALL
                break
        if self.places:
            bits |= Needs.PLACE
        if self.activities:
            bits |= Needs.ACTIVITY
        if self.reaches:
            bits |= Needs.REACH
        if self.schedules:
            bits |= Needs.SCHEDULE
        return bits

    def signature(self) -> tuple[object, ...]:
        """What many conditions depend on and few people differ in: where they are, what kind of event runs."""
        fact = newest(self.places) if self.places else None
        place = fact.value if fact is not None else None
        where = (place.zone, place.tags) if isinstance(place, PlaceValue) else None
        events = tuple(
            (one.shows, one.calendar, one.counts, e.all_day, e.private, e.online_meeting, e.categories)
            for one in self.running
            for e in (one.event,)
        )
        return where, events

    def known_enough(self) -> bool:
        """Enough to say *available* when no rule has anything to say.

        A calendar that has gone silent may hide a meeting; a place alone says nothing about being free.
        """
        if any(fact.kind is FactKind.CALENDAR for fact in self.stale):
            return False
        if self.fresh_calendars or self.calls:
            return True
        if any(
            isinstance(f.value, ActivityValue) and f.value.state is ActivityState.ACTIVE
            for f in self.activities
        ):
            return True
        return any(
            isinstance(f.value, ReachValue) and f.value.state is not ReachState.OFFLINE for f in self.reaches
        )

    def next_working(self) -> datetime | None:
        """When the next working period begins, as far as the schedule reaches."""
        starts = [
            period.start
            for fact in self.schedules
            if isinstance(fact.value, ScheduleValue)
            for period in fact.value.working
            if period.start > self.now
        ]
        return min(starts, default=None)


def newest(facts: list[Fact]) -> Fact | None:
    """Order by the sources' own time; of equal ones the surest counts."""
    if len(facts) == 1:
        return facts[0]
    return max(facts, key=lambda fact: (fact.observed_at, _confidence(fact), fact.source), default=None)


def _confidence(fact: Fact) -> float:
    return fact.value.confidence if isinstance(fact.value, PlaceValue) else 0.0


def age(fact: Fact, now: datetime) -> timedelta:
    """How old the source's word is; never negative, whatever its clock says."""
    return max(now - fact.observed_at, timedelta())
