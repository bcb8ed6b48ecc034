"""The trace: for every rule and condition what was wanted, what was seen, from which source, how old."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.facts import Fact
from rules.conditions.base import Condition
from rules.conditions.combine import HeldFor
from rules.decision import Decision
from rules.model import OF_STATE, OF_SURROUNDINGS, Effect, Rule, RuleSet
from rules.sources import SourceSeen, sources_of
from rules.view import View, age


@dataclass(frozen=True, slots=True)
class FactSeen:
    kind: str
    source: str
    age: timedelta
    stale: bool


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    wanted: str
    seen: str
    result: bool | None
    "None: not known."
    facts: tuple[FactSeen, ...] = ()
    parts: tuple["ConditionTrace", ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTrace:
    name: str
    file: str
    line: int
    matched: bool | None
    kept_until: datetime | None
    "Its conditions hold no more, but `hold:` or `dwell:` keeps it until then."
    failure: str | None
    condition: ConditionTrace | None
    set: tuple[str, ...]
    "The attributes that it decided."
    too_late: tuple[tuple[str, str], ...]
    "Attributes that it would have set, and the rule above that had set them."

    @property
    def fired(self) -> bool:
        return self.failure is None and (self.matched is True or self.kept_until is not None)


@dataclass(frozen=True, slots=True)
class Trace:
    person: str
    at: datetime
    rules: tuple[RuleTrace, ...]
    decision: Decision
    sources: tuple[SourceSeen, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "person": self.person,
            "at": self.at.isoformat(),
            "state": self.decision.state,
            "because": dict(self.decision.because),
            "rules": [_rule_json(rule) for rule in self.rules],
            "sources": [source.to_json() for source in self.sources],
        }


def trace_of(rules: RuleSet, view: View, decision: Decision, failed: dict[str, str]) -> Trace:
    traces = tuple(_rule(rules, rule, view, decision, failed.get(rule.name)) for rule in rules.rules)
    return Trace(view.person.key, view.now, traces, decision, sources_of(view))


def _rule(rules: RuleSet, rule: Rule, view: View, decision: Decision, failure: str | None) -> RuleTrace:
    try:
        condition = _condition(rule.condition, view) if rule.condition is not None else None
        matched = condition.result if condition is not None else True
    except Exception:
        condition, matched = None, False
    fired = view.memory.fired.get(rule.name)
    kept = fired.until if fired is not None and matched is not True else None
    trace = RuleTrace(rule.name, rule.file, rule.line, matched, kept, failure, condition, (), ())
    if not trace.fired:
        return trace
    because = decision.because
    decided = tuple(name for name, by in because.items() if by == rule.name)
    wanted = _wanted(rules, rule)
    late = tuple((name, because[name]) for name in wanted if name in because and because[name] != rule.name)
    return RuleTrace(rule.name, rule.file, rule.line, matched, kept, failure, condition, decided, late)


def _wanted(rules: RuleSet, rule: Rule) -> list[str]:
    effects: list[Effect] = [rule.effect]
    names = ["state"] if rule.state is not None or rule.fixed_state is not None else []
    if rule.fixed_state is not None:
        effects.append(rules.states[rule.fixed_state].effect)
    every = (*OF_STATE, *OF_SURROUNDINGS)
    return names + [name for name in every if any(getattr(effect, name) is not None for effect in effects)]


def _condition(condition: Condition, view: View) -> ConditionTrace:
    parts = tuple(_condition(part, view) for part in condition.parts())
    seen = condition.seen(view) if not parts or isinstance(condition, HeldFor) else None
    facts = tuple(_fact(fact, view) for fact in seen.facts) if seen is not None else ()
    return ConditionTrace(
        condition.label, seen.words if seen is not None else "", condition.test(view), facts, parts
    )


def _fact(fact: Fact, view: View) -> FactSeen:
    return FactSeen(fact.kind.value, fact.source, age(fact, view.now), fact.is_stale(view.now))


def _rule_json(rule: RuleTrace) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "file": rule.file,
        "line": rule.line,
        "matched": rule.matched,
        "kept_until": rule.kept_until.isoformat() if rule.kept_until else None,
        "failure": rule.failure,
        "set": list(rule.set),
        "too_late": dict(rule.too_late),
        "condition": _condition_json(rule.condition) if rule.condition else None,
    }


def _condition_json(condition: ConditionTrace) -> dict[str, Any]:
    return {
        "wanted": condition.wanted,
        "seen": condition.seen,
        "result": condition.result,
        "facts": [
            {"kind": fact.kind, "source": fact.source, "age": fact.age.total_seconds(), "stale": fact.stale}
            for fact in condition.facts
        ],
        "parts": [_condition_json(part) for part in condition.parts],
    }
