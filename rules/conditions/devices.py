"""``call:``, ``activity:`` and ``reach:`` what the person's phones and computers say."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.facts import (
    ActivityState,
    ActivityValue,
    CallState,
    CallValue,
    Fact,
    ReachState,
    ReachValue,
)
from rules.conditions.base import Answer, FactCondition, Seen, ago
from rules.values import Compare, TextMatch
from rules.view import NEVER, Needs, View


def _crossings(start: datetime, length: Compare, now: datetime) -> datetime:
    """When the time since ``start`` next passes an edge of ``length``."""
    for edge in length.edges:
        moment = start + timedelta(seconds=edge)
        if moment > now:
            return moment
    return NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCondition(FactCondition):
    """On any phone; `idle` means that no phone that is known has a call."""

    states: frozenset[CallState] | None = None
    direction: frozenset[str] | None = None
    remote: TextMatch | None = None
    lasting: Compare | None = None

    @property
    def needs(self) -> int:
        if self.stale is not None or self.states is None or CallState.IDLE in self.states:
            return 0
        return Needs.CALL

    def test(self, view: View) -> Answer:
        facts = self.pick(view) if self.device is not None or self.stale is not None else view.calls
        if not facts:
            return None
        return self._match(facts, view.now) is not None

    def _match(self, facts: list[Fact], now: datetime) -> Fact | None:
        states = self.states
        idle = states is not None and CallState.IDLE in states
        for fact in facts:
            value = fact.value
            assert isinstance(value, CallValue)
            if states is not None and value.state not in states:
                continue
            if value.state is CallState.IDLE and (not idle or self._busy(facts)):
                continue
            if self.direction is not None and value.direction not in self.direction:
                continue
            if self.remote is not None and not self.remote.holds(value.remote):
                continue
            if self.lasting is None or self.lasting.holds((now - value.since).total_seconds()):
                return fact
        return None

    @staticmethod
    def _busy(facts: list[Fact]) -> bool:
        return any(
            isinstance(fact.value, CallValue) and fact.value.state is not CallState.IDLE for fact in facts
        )

    @property
    def timed(self) -> bool:
        return self.lasting is not None

    def edge(self, view: View) -> datetime:
        lasting = self.lasting
        if lasting is None:
            return NEVER
        values = (fact.value for fact in self.pick(view))
        return min(
            (_crossings(value.since, lasting, view.now) for value in values if isinstance(value, CallValue)),
            default=NEVER,
        )

    def since(self, view: View) -> datetime | None:
        fact = self._match(self.pick(view), view.now)
        return fact.value.since if fact is not None and isinstance(fact.value, CallValue) else None

    def seen(self, view: View) -> Seen:
        facts = self.pick(view)
        if not facts:
            return self.nothing(view)
        fact = self._match(facts, view.now) or max(facts, key=_busyness)
        value = fact.value
        assert isinstance(value, CallValue)
        way = {"in": ", called by somebody", "out": ", calling out"}.get(value.direction or "", "")
        return Seen(f"{value.state.value} since {ago(value.since, view.now)}{way}", (fact,))


_ORDER = [CallState.IDLE, CallState.RINGING, CallState.HELD, CallState.TALKING, CallState.CONFERENCE]


def _busyness(fact: Fact) -> int:
    return _ORDER.index(fact.value.state) if isinstance(fact.value, CallValue) else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCondition(FactCondition):
    """Of all devices together: active when one is, idle when none is, locked when all are."""

    states: frozenset[ActivityState] | None = None
    idle_for: Compare | None = None

    @property
    def needs(self) -> int:
        return Needs.ACTIVITY if self.stale is None else 0

    def test(self, view: View) -> Answer:
        facts = self.pick(view) if self.device is not None or self.stale is not None else view.activities
        if not facts:
            return None
        if self.states is not None and self.states.isdisjoint(self._states(facts)):
            return False
        if self.idle_for is None:
            return True
        idle = self._idle(view, facts)
        return None if idle is None else self.idle_for.holds(idle.total_seconds())

    @staticmethod
    def _states(facts: list[Fact]) -> set[ActivityState]:
        states = {fact.value.state for fact in facts if isinstance(fact.value, ActivityValue)}
        if ActivityState.ACTIVE in states:
            return {ActivityState.ACTIVE}
        return states if states == {ActivityState.LOCKED} else {ActivityState.IDLE}

    def _last(self, view: View, facts: list[Fact]) -> datetime | None:
        return view.last_input_at_all() if facts is view.activities else view.last_input(facts)

    def _idle(self, view: View, facts: list[Fact]) -> timedelta | None:
        last = self._last(view, facts)
        if last is None:
            # A device that never said when it was used: idle at least since it said so.
            last = min((fact.observed_at for fact in facts), default=None)
        return None if last is None else max(view.clock_for_input() - last, timedelta())

    @property
    def timed(self) -> bool:
        return self.idle_for is not None

    def edge(self, view: View) -> datetime:
        if self.idle_for is None or view.frozen is not None:
            return NEVER
        plain = self.device is None and self.stale is None
        facts = view.activities if plain else self.pick(view)
        if not facts:
            return NEVER
        last = self._last(view, facts) or min(fact.observed_at for fact in facts)
        return _crossings(last, self.idle_for, view.now)

    def since(self, view: View) -> datetime | None:
        last = view.last_input(self.pick(view))
        if last is None or self.states == frozenset({ActivityState.ACTIVE}):
            return None
        return last + timedelta(seconds=max(self.idle_for.low, 0)) if self.idle_for else last

    def seen(self, view: View) -> Seen:
        facts = self.pick(view)
        if not facts:
            return self.nothing(view)
        state = next(iter(self._states(facts))).value
        last = view.last_input(facts)
        when = f", last used {ago(last, view.now)} ago" if last is not None else ""
        return Seen(f"{state}{when}", tuple(facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachCondition(FactCondition):
    """The best of the person's phones counts; `offline` means that none is known to be there."""

    states: frozenset[ReachState] | None = None

    @property
    def needs(self) -> int:
        return Needs.REACH if self.stale is None else 0

    def test(self, view: View) -> Answer:
        best = self._best(view)
        if best is None:
            return None
        return self.states is None or best in self.states

    def _best(self, view: View) -> ReachState | None:
        if self.device is None and self.stale is None:
            return view.best_reach()
        states = {fact.value.state for fact in self.pick(view) if isinstance(fact.value, ReachValue)}
        return next((state for state in ReachState if state in states), None)

    def seen(self, view: View) -> Seen:
        best = self._best(view)
        return Seen(best.value, tuple(self.pick(view))) if best is not None else self.nothing(view)
