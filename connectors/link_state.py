"""What the runner knows of one link, and what follows from an answer or a failure. Pure.

Two laws live here. A fact is stamped with how long it may be trusted once the source falls silent. And a
source that suddenly returns nothing where it had something is asked again before it is believed: a calendar
server that lost its disk must not free everybody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.base import Link, Poll
from connectors.errors import ConnectorError
from connectors.facts import CalendarValue, Fact
from connectors.health import HealthState, LinkHealth


@dataclass(frozen=True, slots=True)
class Heard:
    """What to do after a poll that was answered."""

    facts: tuple[Fact, ...]
    "To emit: changed, or known before and now confirmed."
    gone: tuple[str, ...]
    "Sources whose stream has ended, confirmed."
    confirm: bool
    "Something suspicious was held back: ask again soon, afresh."
    changed: bool
    recovered: bool
    "The link had failed before: worth a line in the log."


@dataclass(slots=True)
class LinkState:
    """Mutable; one per link."""

    link: Link
    stale_after: timedelta
    since: datetime
    "When the present health state began."
    state: HealthState = HealthState.WAITING
    words: str = "Nothing was heard yet."
    failures: int = 0
    last_heard: datetime | None = None
    problems: tuple[str, ...] = ()
    confidence: float = 0.5
    known: dict[str, Fact] = field(default_factory=dict)
    "By source: what was last believed and emitted."
    suspect: frozenset[str] = frozenset()
    "Sources that were suddenly empty or missing in the last answer."

    def heard(self, poll: Poll, now: datetime) -> Heard:
        """Take an answer."""
        recovered = self.failures > 0
        if poll.problems is not None:
            self.problems = poll.problems
        gone: tuple[str, ...] = ()
        changed = False
        if poll.facts is not None:
            gone, changed = self._take(poll, poll.facts)
        fresh = {
            source: self._stamped(fact, poll.observed_at)
            for source, fact in self.known.items()
            if source not in self.suspect and source not in poll.unheard
        }
        self.known.update(fresh)
        self.failures = 0
        self.last_heard = poll.observed_at
        self._enter(HealthState.PARTIAL if self.problems else HealthState.OK, self._heard_words(), now)
        return Heard(tuple(fresh.values()), gone, bool(self.suspect), changed, recovered)

    def _take(self, poll: Poll, facts: tuple[Fact, ...]) -> tuple[tuple[str, ...], bool]:
        said = {fact.source: fact for fact in facts}
        suspicious = frozenset(
            source
            for source, fact in self.known.items()
            if not poll.announced and source not in poll.unheard and _suddenly_empty(fact, said.get(source))
        )
        held = suspicious - self.suspect
        self.suspect = held
        changed = False
        gone: list[str] = []
        for source in [source for source in self.known if source not in said and source not in held]:
            if source not in poll.unheard:
                del self.known[source]
                gone.append(source)
                changed = True
        for source, fact in said.items():
            if source not in held:
                known = self.known.get(source)
                changed = changed or known is None or known.value != fact.value
                self.known[source] = fact
        return tuple(gone), changed

    def _stamped(self, fact: Fact, observed_at: datetime) -> Fact:
        if fact.observed_at > observed_at:
            observed_at = fact.observed_at
        return replace(
            fact,
            observed_at=observed_at,
            valid_until=observed_at + self.stale_after,
            confidence=self.confidence,
        )

    def failed(self, error: ConnectorError, now: datetime) -> bool:
        """Take a failure. True when it is news: the first one, or another kind than before."""
        news = self.failures == 0 or self.state is not error.state
        self.failures += 1
        self._enter(error.state, error.words, now)
        return news

    def pushed(self, facts: Mapping[str, Fact], now: datetime) -> None:
        """A push connector emitted: it is alive."""
        self.known.update(facts)
        self.failures = 0
        self.last_heard = now
        self._enter(HealthState.OK, self._heard_words(), now)

    def stamp_pushed(self, fact: Fact) -> Fact:
        """A pushed fact keeps the validity that its source gave, else gets the link's."""
        valid_until = fact.valid_until
        if valid_until is None:
            valid_until = fact.observed_at + self.stale_after
        return replace(fact, valid_until=valid_until, confidence=self.confidence)

    def edges(self) -> Iterator[datetime]:
        """When the known events begin and end."""
        for fact in self.known.values():
            if isinstance(fact.value, CalendarValue):
                for event in fact.value.events:
                    yield event.start
                    yield event.end

    def _heard_words(self) -> str:
        if self.suspect:
            return "The source suddenly returned nothing; it is asked again before this is believed."
        if self.problems:
            return f"Working, but {len(self.problems)} part(s) could not be read."
        return "Working."

    def _enter(self, state: HealthState, words: str, now: datetime) -> None:
        if state is not self.state:
            self.since = now
        self.state = state
        self.words = words

    def health(self, now: datetime, next_poll: datetime | None) -> LinkHealth:
        return LinkHealth(
            link=self.link.id,
            connector=self.link.connector,
            person=self.link.person,
            state=self.state,
            words=self.words,
            since=self.since,
            last_heard=self.last_heard,
            next_poll=next_poll,
            failures=self.failures,
            problems=self.problems,
            stale=any(fact.is_stale(now) for fact in self.known.values()),
        )


def _suddenly_empty(before: Fact, after: Fact | None) -> bool:
    """Did a stream that still had something ahead of it lose everything, or vanish?"""
    if after is None:
        return True
    if not isinstance(before.value, CalendarValue) or not isinstance(after.value, CalendarValue):
        return False
    ahead = any(event.end > after.value.window_start for event in before.value.events)
    return ahead and not after.value.events
