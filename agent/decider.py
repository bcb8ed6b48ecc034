"""Keeps everybody's decision current: on new facts, on new rules, and when the clock alone changes the answer.

The rules say with each answer when it can next be another one without any new fact; those moments stand in a heap, and
one timer waits for the nearest. So a meeting that begins at 10:00:00 shows at 10:00:00, not at the next poll.
"""

import asyncio
import heapq
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

import rules
from agent.clock import Clock
from connectors.facts import Fact, FactBook
from rules import Evaluation, Failure, Memory, Person, RuleSet
from rules.decision import Decision

log = logging.getLogger(__name__)

SLICE = 200
"People decided before the event loop gets its turn: at the full hour everybody changes at once."
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
        self._waiting: deque[tuple[str, datetime]] = deque()
        self._queued: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._slice_is_due = False
        self._told: set[Failure] = set()
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

    def take(self, facts: Iterable[Fact]) -> None:
        """New facts; whoever they concern is decided anew."""
        now = self._clock.now()
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

    def _queue(self, person: str, since: datetime) -> None:
        if person in self._people and person not in self._queued and not self._closed:
            self._queued.add(person)
            self._waiting.append((person, since))
            if not self._slice_is_due:
                self._slice_is_due = True
                asyncio.get_running_loop().call_soon(self._decide_slice)

    def _decide_slice(self) -> None:
        self._slice_is_due = False
        for _ in range(min(SLICE, len(self._waiting))):
            person, since = self._waiting.popleft()
            self._queued.discard(person)
            try:
                self._decide(self._people[person], since)
            except Exception:
                log.exception("deciding for %s failed; the last decision stays", person)
        if self._waiting:
            self._slice_is_due = True
            asyncio.get_running_loop().call_soon(self._decide_slice)
        else:
            self._arm()

    def _decide(self, person: Person, since: datetime) -> None:
        # A timer may fire a little early by the wall clock: the boundary that it was set for has been reached.
        now = max(self._clock.now(), since)
        started = self._clock.monotonic()
        evaluation = rules.evaluate(
            self._rules, person, self.facts.of(person.key), now, self._memory(person.key)
        )
        self._on_evaluated(evaluation.decision.state, self._clock.monotonic() - started)
        self._tell_failures(evaluation)
        before = self._current.get(person.key)
        self._current[person.key] = evaluation
        if evaluation.memory != self._memories.get(person.key):
            self._memories[person.key] = evaluation.memory
            self._keeper.put_memory(person.key, json.loads(evaluation.memory.to_json()))
        if evaluation.next_change is not None:
            heapq.heappush(self._boundaries, (evaluation.next_change.timestamp(), person.key))
        if before is None or before.decision != evaluation.decision:
            self._on_decision(person, evaluation.decision, since)

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
        now = self._clock.wall() + 0.0005  # timers may fire a fraction early
        while self._boundaries and self._boundaries[0][0] <= now:
            at, person = heapq.heappop(self._boundaries)
            current = self._current.get(person)
            # Entries of earlier evaluations are passed over.
            if (
                current is not None
                and current.next_change is not None
                and current.next_change.timestamp() == at
            ):
                self._queue(person, current.next_change)
        if not self._slice_is_due:
            self._arm()

    def close(self) -> None:
        """Decide nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
