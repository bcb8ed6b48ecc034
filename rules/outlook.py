"""outlook(): evaluate, and look ahead: until when the state lasts and what is known to come after it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.facts import CalendarValue, Fact
from rules.decision import Basic, Coming, Decision
from rules.evaluate import Evaluation, evaluate
from rules.memory import Memory
from rules.model import UNKNOWN_STATE, RuleSet
from rules.person import Person

HORIZON = timedelta(hours=24)
MAX_COMING = 8
_MAX_STEPS = 64


def outlook(
    rules: RuleSet,
    person: Person,
    facts: Sequence[Fact],
    now: datetime,
    memory: Memory | None = None,
    *,
    horizon: timedelta = HORIZON,
    limit: int = MAX_COMING,
) -> Evaluation:
    """As evaluate(), with ``until`` and ``coming`` in the decision.

    It looks as far as ``horizon`` and as the calendars are known, assuming that sources stay heard, calls go
    on and nobody touches or leaves a device: what it says is what is known now, not a forecast.
    """
    present = evaluate(rules, person, facts, now, memory)
    end = now + horizon
    for fact in facts:
        if (
            isinstance(fact.value, CalendarValue)
            and not fact.is_stale(now)
            and fact.value.window_start <= now
        ):
            end = min(end, max(fact.value.window_end, now))
    known = [fact for fact in facts if not fact.is_stale(now)]
    step = evaluate(rules, person, known, now, memory, frozen=now)
    changes: list[tuple[datetime, Decision]] = []
    shown = step.decision
    for _ in range(_MAX_STEPS):
        at = step.next_change
        if at is None or at >= end:
            break
        step = evaluate(rules, person, known, at, step.memory, frozen=now)
        if _says(step.decision) != _says(shown):
            shown = step.decision
            changes.append((at, shown))
            if len(changes) > limit:
                break
    until = next((at for at, decision in changes if decision.state != present.decision.state), None)
    coming = tuple(_coming(changes, at) for at in range(min(len(changes), limit)))
    return present.with_decision(present.decision.foreseeing(until, coming))


def _says(decision: Decision) -> tuple[object, ...]:
    return decision.state, decision.basic, decision.notes, decision.activities


def _coming(changes: list[tuple[datetime, Decision]], at: int) -> Coming:
    start, decision = changes[at]
    end = changes[at + 1][0] if at + 1 < len(changes) else None
    return Coming(
        start, end, decision.state, decision.basic or Basic.OPEN, decision.notes, decision.activities
    )


def is_known(decision: Decision) -> bool:
    """Whether the decision says anything at all."""
    return decision.state != UNKNOWN_STATE
