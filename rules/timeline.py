"""A stretch of time played through as the service would live it: from change to change, memory carried on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.facts import Fact
from rules.decision import Decision
from rules.evaluate import Evaluation, evaluate
from rules.memory import Memory
from rules.model import RuleSet
from rules.person import Person

MAX_STEPS = 50_000
"A week of one person takes some hundreds."


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    evaluation: Evaluation


def play(
    rules: RuleSet,
    person: Person,
    facts: Callable[[datetime], Sequence[Fact]],
    moments: Iterable[datetime],
    start: datetime,
    end: datetime,
) -> list[Step]:
    """Every evaluation in ``[start, end)``: at the start, at each of ``moments`` (something new may be heard)
    and at each change that the answers announce."""
    heard = sorted({moment for moment in moments if start < moment < end}, reverse=True)
    steps: list[Step] = []
    memory: Memory | None = None
    now: datetime | None = start
    while now is not None and now < end and len(steps) < MAX_STEPS:
        step = Step(now, evaluate(rules, person, facts(now), now, memory))
        steps.append(step)
        memory = step.evaluation.memory
        while heard and heard[-1] <= now:
            heard.pop()
        known = [at for at in (step.evaluation.next_change, heard[-1] if heard else None) if at is not None]
        now = min(known, default=None)
    return steps


@dataclass(frozen=True, slots=True)
class Segment:
    """``[start, end)`` with one answer."""

    start: datetime
    end: datetime
    decision: Decision

    @property
    def rule(self) -> str:
        return self.decision.because.get("state", "")

    @property
    def note(self) -> str:
        return " / ".join(note.text for note in self.decision.notes)


def segments(steps: Sequence[Step], end: datetime) -> list[Segment]:
    """The steps without those that changed nothing that anybody can see."""
    found: list[Segment] = []
    for at, step in enumerate(steps):
        until = steps[at + 1].at if at + 1 < len(steps) else end
        decision = step.evaluation.decision
        if found and _visible(found[-1].decision) == _visible(decision):
            found[-1] = Segment(found[-1].start, until, found[-1].decision)
        else:
            found.append(Segment(step.at, until, decision))
    return found


def _visible(decision: Decision) -> tuple[object, ...]:
    return (
        decision.state,
        decision.basic,
        decision.notes,
        decision.activities,
        decision.moods,
        decision.place,
        decision.lamp,
        decision.because.get("state"),
    )
