"""Keeps everybody's decision current: on new facts, on new rules, and when the clock alone changes the answer.

The rules say with each answer when it can next be another one without any new fact; those moments stand in a heap, and
one timer waits for the nearest. So a meeting that begins at 10:00:00 shows at 10:00:00, not at the next poll.
"""

import asyncio
import heapq
import json
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

import rules
from agent.clock import Clock
from connectors.facts import Fact, FactBook, FactKind
from rules import Evaluation, Failure, Memory, Person, RuleSet
from rules.decision import Decision
from rules.memory import NO_MEMORY

log = logging.getLogger(__name__)

SLICE = 200
"People decided before the event loop gets its turn: at the full hour everybody changes at once."
LONGEST_SLICE = 0.003
"Seconds. A decision goes through a dozen turns of the loop until its lamp is lit, and each turn may hold one slice."
VANGUARD = 10
"""People of a crowd who are decided before all others. While nothing else is done their lamps are lit in milliseconds;
in the midst of deciding for ten thousand, each of the turns that a lamp takes is as long as a slice."""
HEAD_START = 0.02
"Seconds that the vanguard has for itself: publishing, one group of the store, the first NOTIFYs."
SAYS_LITTLE = frozenset({FactKind.SCHEDULE, FactKind.REACH})
"What is known at once at every start, and says nothing yet of what somebody is doing."
LONGEST_WAIT = 20.0
"Seconds. The wall clock may be set; no wait trusts it for longer."


class MemoryKeeper(Protocol):
    """What rules must remember of a person over restarts."""

    def memory(self, person: str) -> dict[str, object] | None: ...

    def put_memory(self, person: str, memory: Mapping[str, object]) -> None: ...


OnDecision = Callable[[Person, Decision, datetime], None]
"(person, decision, the moment since which it holds)"


class Decider:
    def __init__(
        self,
        ruleset: RuleSet,
        people: Iterable[Person],
        clock: Clock,
        on_decision: OnDecision,
        keeper: MemoryKeeper,
        on_evaluated: Callable[[str, float], None] = lambda state, seconds: None,
    ) -> None:
        """``on_decision`` is told each decision that differs from the last one of that person."""
        self.facts = FactBook()
        self._rules = ruleset
        self._people = {person.key: person for person in people}
        self._clock = clock
        self._on_decision = on_decision
        self._keeper = keeper
        self._on_evaluated = on_evaluated
        self._current: dict[str, Evaluation] = {}
        self._memories: dict[str, Memory] = {}
        self._boundaries: list[tuple[float, str]] = []
        self._waiting: deque[str] = deque()
        self._queued: dict[str, tuple[datetime, bool]] = {}
        "Who waits: since when, and whether only the clock has moved."
        self._timer: asyncio.TimerHandle | None = None
        self._slice_is_due = False
        self._crowd_is_on_its_way = False
        "The vanguard of those who wait has gone."
        self._untold: set[str] = set()
        "Who must be told of even if nothing has changed."
        self._told: set[Failure] = set()
        self._held: set[str] = set()
        self._closed = False

    @property
    def rules(self) -> RuleSet:
        return self._rules

    @property
    def people(self) -> Mapping[str, Person]:
        return self._people

    def current(self, person: str) -> Evaluation | None:
        """What holds now, and why."""
        return self._current.get(person)

    def hold(self, people: Iterable[str], seconds: float) -> None:
        """After a restart: what was published of these people stands until a source of theirs is heard, or the time is
        up. Otherwise every lamp would go out for the second that the first poll takes."""
        self._held.update(people)
        asyncio.get_running_loop().call_later(seconds, self._release)

    def _release(self) -> None:
        held, self._held = self._held, set()
        now = self._clock.now()
        for person in held:
            self._queue(person, now)

    def take(self, facts: Iterable[Fact]) -> None:
        """New facts; whoever they concern is decided anew."""
        now = self._clock.now()
        facts = tuple(facts)
        self._held.difference_update(fact.person for fact in facts if fact.kind not in SAYS_LITTLE)
        for person in self.facts.put_all(facts):
            self._queue(person, now)

    def forget(self, sources: Iterable[str]) -> None:
        """Sources that have been unlinked."""
        now = self._clock.now()
        for source in sources:
            for person in self.facts.drop_source(source):
                self._queue(person, now)

    def reload(self, ruleset: RuleSet) -> None:
        """Other rules from now on. Nobody is shown anything in between."""
        self._rules = ruleset
        self._told.clear()
        self.decide_all()

    def set_people(self, people: Iterable[Person], tell_again: Collection[str] = ()) -> None:
        """Other people from now on; whoever is new or has changed is decided anew, nobody is told in between.

        ``tell_again``: keys of those whose decision is to be told even if it stays the same.
        """
        before = self._people
        self._people = {person.key: person for person in people}
        for key in before.keys() - self._people.keys():
            self._current.pop(key, None)
            self._memories.pop(key, None)
            self.facts.drop_person(key)
        self._untold = (self._untold | set(tell_again)) & self._people.keys()
        now = self._clock.now()
        for key, person in self._people.items():
            if before.get(key) != person or key in self._untold:
                self._queue(key, now)

    def outlook(self, person: str) -> Evaluation:
        """What is about to be told of somebody: the decision by what is known at this moment. Raises KeyError."""
        return rules.outlook(
            self._rules,
            self._people[person],
            self.facts.of(person),
            self._clock.now(),
            self._memory(person),
        )

    def decide_all(self) -> None:
        now = self._clock.now()
        for person in self._people:
            self._queue(person, now)

    def explain(self, person: str, at: datetime | None = None) -> Evaluation:
        """What holds, or would hold at another moment by what is known now. Raises KeyError for nobody of ours."""
        moment = at or self._clock.now()
        return rules.evaluate(
            self._rules, self._people[person], self.facts.of(person), moment, self._memory(person)
        )

    # -- deciding ------------------------------------------------------------------------------------------------

    def _queue(self, person: str, since: datetime, *, by_clock: bool = False) -> None:
        if person not in self._people or person in self._held or self._closed:
            return
        if person in self._queued:
            if not by_clock:
                self._queued[person] = (self._queued[person][0], False)
            return
        self._queued[person] = (since, by_clock)
        self._waiting.append(person)
        if not self._slice_is_due:
            self._slice_is_due = True
            asyncio.get_running_loop().call_soon(self._decide_slice)

    def _decide_slice(self) -> None:
        self._slice_is_due = False
        if self._closed:
            return
        end = self._clock.monotonic() + LONGEST_SLICE
        most = SLICE if self._crowd_is_on_its_way else VANGUARD
        for _ in range(min(most, len(self._waiting))):
            if self._clock.monotonic() > end:
                break
            person = self._waiting.popleft()
            since, by_clock = self._queued.pop(person)
            if person not in self._people:
                continue
            try:
                self._decide(self._people[person], since, by_clock)
            except Exception:
                log.exception("deciding for %s failed; the last decision stays", person)
        self._slice_is_due = True
        if not self._waiting:
            self._take_due()
        if not self._waiting:
            self._slice_is_due = self._crowd_is_on_its_way = False
            self._arm()
            return
        loop = asyncio.get_running_loop()
        if self._crowd_is_on_its_way:
            loop.call_soon(self._decide_slice)
        else:
            self._crowd_is_on_its_way = True
            loop.call_later(HEAD_START, self._decide_slice)

    def _decide(self, person: Person, since: datetime, by_clock: bool) -> None:
        # A timer may fire a little early by the wall clock: the boundary that it was set for has been reached.
        now = max(self._clock.now(), since)
        started = self._clock.monotonic()
        before = self._current.get(person.key)
        evaluation = self._evaluate(person, now, before.decision if by_clock and before is not None else None)
        self._on_evaluated(evaluation.decision.state, self._clock.monotonic() - started)
        self._tell_failures(evaluation)
        self._current[person.key] = evaluation
        if evaluation.memory != self._memories.get(person.key, NO_MEMORY):
            self._memories[person.key] = evaluation.memory
            self._keeper.put_memory(person.key, json.loads(evaluation.memory.to_json()))
        if evaluation.next_change is not None:
            heapq.heappush(self._boundaries, (evaluation.next_change.timestamp(), person.key))
        if before is None or before.decision != evaluation.decision or person.key in self._untold:
            self._untold.discard(person.key)
            self._on_decision(person, evaluation.decision, since)

    def _evaluate(self, person: Person, now: datetime, foreseen: Decision | None) -> Evaluation:
        """``foreseen``: the decision until now, when nothing but the clock has moved since. What it saw coming still
        holds then, and need not be looked for again, which is ten times the work of deciding."""
        facts, memory = self.facts.of(person.key), self._memory(person.key)
        if foreseen is not None:
            evaluation = rules.evaluate(self._rules, person, facts, now, memory)
            known = as_foreseen(foreseen, evaluation.decision, now)
            if known is not None:
                return evaluation.with_decision(known)
        return rules.outlook(self._rules, person, facts, now, memory)

    def _tell_failures(self, evaluation: Evaluation) -> None:
        """A rule that can't be carried out counts as not matching; the admin hears of it once."""
        for failure in evaluation.failures:
            if failure not in self._told:
                self._told.add(failure)
                log.warning("rule %r fails and is passed over: %s", failure.rule, failure.message)

    def _memory(self, person: str) -> Memory | None:
        known = self._memories.get(person)
        if known is None and (stored := self._keeper.memory(person)) is not None:
            known = self._memories[person] = Memory.from_json(json.dumps(stored))
        return known

    # -- the clock -----------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._closed:
            return
        wait = LONGEST_WAIT
        if self._boundaries:
            wait = min(max(self._boundaries[0][0] - self._clock.wall(), 0.0), LONGEST_WAIT)
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        self._take_due()
        if not self._slice_is_due:
            self._arm()

    def _take_due(self) -> None:
        """Queue those whose moment has come, as many as a slice takes."""
        now = self._clock.wall() + 0.0005  # timers may fire a fraction early
        for _ in range(SLICE):
            if not self._boundaries or self._boundaries[0][0] > now:
                break
            at, person = heapq.heappop(self._boundaries)
            current = self._current.get(person)
            # Entries of earlier evaluations are passed over.
            if (
                current is not None
                and current.next_change is not None
                and current.next_change.timestamp() == at
            ):
                self._queue(person, current.next_change, by_clock=True)

    def is_due_within(self, seconds: float) -> bool:
        """Whether somebody's decision may change by the clock so soon, or is being made now."""
        soon = self._clock.wall() + seconds
        return bool(self._waiting) or (bool(self._boundaries) and self._boundaries[0][0] < soon)

    def close(self) -> None:
        """Decide nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()


def as_foreseen(before: Decision, now_decided: Decision, now: datetime) -> Decision | None:
    """``now_decided`` with `until` and `coming` taken from what ``before`` saw coming; None: it came otherwise."""
    passed = [coming for coming in before.coming if coming.start <= now]
    if passed:
        latest = passed[-1]
        if (latest.state, latest.notes, latest.activities) != (
            now_decided.state,
            now_decided.notes,
            now_decided.activities,
        ):
            return None
    elif before.foreseeing(None, ()) != now_decided:
        return None
    coming = before.coming[len(passed) :]
    if passed and not coming and passed[-1].end is not None:
        return None  # it saw no further, but there is more to see
    until = next((each.start for each in coming if each.state != now_decided.state), None)
    return now_decided.foreseeing(until, coming)
