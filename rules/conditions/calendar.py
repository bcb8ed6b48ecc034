"""``calendar:`` what the running event shows. Of the events that fit, the strongest counts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.facts import CalendarEvent, CalendarValue, Fact, Shows
from rules.conditions.base import Answer, FactCondition, Seen, clock_time
from rules.values import Compare, TextMatch
from rules.view import NEVER, Needs, Running, View


def stronger(one: Running, other: Running) -> bool:
    """Of equally strong events the one that ends last says how long the person is taken."""
    return one.rank > other.rank or (one.rank == other.rank and one.event.end > other.event.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCondition(FactCondition):
    """Every attribute that is not None must fit the same event."""

    shows: frozenset[Shows] | None = None
    name: TextMatch | None = None
    all_day: bool | None = None
    private: bool | None = None
    online: bool | None = None
    title: TextMatch | None = None
    place: TextMatch | None = None
    category: TextMatch | None = None
    attendees: Compare | None = None
    lasts: Compare | None = None
    running_for: Compare | None = None
    ends_in: timedelta | None = None
    starts_in: timedelta | None = None
    plain: bool = True
    "No attribute but `shows`: the short way."
    asks_words: bool = field(init=False, compare=False, repr=False)
    asks_times: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        words = (self.title, self.place, self.category, self.attendees)
        times = (self.lasts, self.running_for, self.ends_in)
        object.__setattr__(self, "asks_words", any(one is not None for one in words))
        object.__setattr__(self, "asks_times", any(one is not None for one in times))

    @property
    def needs(self) -> int:
        if self.stale is not None or self.starts_in is not None:
            return 0
        return 0 if self.shows is not None and Shows.FREE in self.shows else Needs.EVENT

    @property
    def settled(self) -> bool:
        words = (self.title, self.place, self.attendees)
        return bool(self.needs) and not self.asks_times and all(one is None for one in words)

    def test(self, view: View) -> Answer:
        strongest = self.event(view)
        shows = self.shows
        if strongest is None:
            if shows is not None and Shows.FREE in shows and not self._picky():
                return True if self._complete(view) else None
            return False if self._complete(view) else None
        if shows is None or strongest.shows in shows:
            if strongest.shows is Shows.FREE and shows is not None and not self._complete(view):
                return None
            return True
        return False

    def event(self, view: View) -> Running | None:
        """The strongest event that fits all attributes but ``shows``."""
        best: Running | None = None
        if self.plain:
            for running in view.running:
                if running.counts and (best is None or stronger(running, best)):
                    best = running
            return best
        for running in self._candidates(view):
            if (best is None or stronger(running, best)) and self._fits(running, view.now):
                best = running
        return best

    def _picky(self) -> bool:
        """Wants something of the event itself, so that *no event* does not fit."""
        given = (self.all_day, self.private, self.online, self.title, self.place, self.category)
        return any(one is not None for one in (*given, self.attendees, self.lasts, self.running_for)) or bool(
            self.ends_in or self.starts_in
        )

    def _candidates(self, view: View) -> list[Running]:
        running = view.running if self.stale != "true" else []
        if self.stale is None and self.starts_in is None:
            return running
        now = view.now
        facts = self.pick(view)
        reach = self.starts_in
        found: list[Running] = []
        for fact in facts:
            value = fact.value
            assert isinstance(value, CalendarValue)
            for event in value.events:
                on = event.start <= now < event.end if reach is None else now < event.start <= now + reach
                if on:
                    rank = 0 if event.shows is Shows.FREE else 1
                    found.append(Running(rank, event.shows, event, value.calendar, fact, True))
        return found

    def _fits(self, running: Running, now: datetime) -> bool:
        event = running.event
        if self.name is None:
            if not running.counts:
                return False
        elif not self.name.holds(running.calendar):
            return False
        if self.all_day is not None and event.all_day is not self.all_day:
            return False
        if self.private is not None and event.private is not self.private:
            return False
        if self.online is not None and event.online_meeting is not self.online:
            return False
        if self.asks_words and not self._fits_words(event):
            return False
        return not self.asks_times or self._fits_times(event, now)

    def _fits_words(self, event: CalendarEvent) -> bool:
        if self.attendees is not None and (
            event.attendees is None or not self.attendees.holds(event.attendees)
        ):
            return False
        if event.private:
            return self.title is None and self.place is None and self.category is None
        return (
            (self.title is None or self.title.holds(event.title))
            and (self.place is None or self.place.holds(event.place))
            and (self.category is None or self.category.holds_any(event.categories))
        )

    def _fits_times(self, event: CalendarEvent, now: datetime) -> bool:
        if self.lasts is not None and not self.lasts.holds((event.end - event.start).total_seconds()):
            return False
        if self.running_for is not None and not self.running_for.holds((now - event.start).total_seconds()):
            return False
        return self.ends_in is None or event.end - now <= self.ends_in

    def _complete(self, view: View) -> bool:
        """All calendars that are asked about are known and fresh, so that *none* means none."""
        fresh, stale = view.fresh_calendars, view.stale_of(self.kind) if view.stale else []
        if self.stale is not None:
            return bool(stale) or (self.stale == "allow" and bool(fresh))
        if self.name is None:
            return bool(fresh) and not stale
        return any(self._named(fact) for fact in fresh) and not any(self._named(fact) for fact in stale)

    def _named(self, fact: Fact) -> bool:
        value = fact.value
        return isinstance(value, CalendarValue) and self.name is not None and self.name.holds(value.calendar)

    @property
    def timed(self) -> bool:
        return (
            self.running_for is not None
            or self.ends_in is not None
            or self.starts_in is not None
            or self.stale is not None
        )

    def edge(self, view: View) -> datetime:
        now = view.now
        moments: list[datetime] = []
        for fact in self.pick(view):
            value = fact.value
            assert isinstance(value, CalendarValue)
            for event in value.events:
                moments += self._moments(event)
        return min((moment for moment in moments if moment > now), default=NEVER)

    def _moments(self, event: CalendarEvent) -> list[datetime]:
        moments = [event.start, event.end]
        if self.running_for is not None:
            moments += [event.start + timedelta(seconds=edge) for edge in self.running_for.edges]
        if self.ends_in is not None:
            moments.append(event.end - self.ends_in)
        if self.starts_in is not None:
            moments.append(event.start - self.starts_in)
        return moments

    def since(self, view: View) -> datetime | None:
        strongest = self.event(view)
        if strongest is None or self.starts_in is not None or self.ends_in is not None:
            return None
        return strongest.event.start

    def seen(self, view: View) -> Seen:
        facts = tuple(fact for fact in self.pick(view) if self.name is None or self._named(fact))
        if not facts:
            return self.nothing(view)
        strongest = self.event(view)
        if strongest is None:
            others = len(view.running)
            more = f"; of {others} running event{'s' * (others != 1)} none fits" if others else ""
            return Seen(f"no such event{more}" if more or self._picky() else "free", facts)
        event = strongest.event
        what = "all day" if event.all_day else f"until {clock_time(event.end, view)}"
        if self.starts_in is not None:
            what = f"at {clock_time(event.start, view)}"
        return Seen(f"{strongest.shows.value} {what}", (strongest.fact,))
