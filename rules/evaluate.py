"""evaluate(): facts and a moment in, a decision out. Pure, and fast: the trace is only made when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from connectors.facts import ActivityState, ActivityValue, Fact
from rules.decision import Decision
from rules.effects import Fill, Gathered, RuleFailure, device_uses
from rules.memory import NO_MEMORY, Choice, Fired, Memory
from rules.model import UNKNOWN_STATE, Rule, RuleSet, StateDefinition
from rules.person import Person
from rules.templates import Template
from rules.trace import Trace, trace_of
from rules.view import NEVER, View


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that could not be carried out this time. Tell the admin once per rule and message."""

    rule: str
    message: str


class Evaluation:
    """The answer of the rules about one person at one moment."""

    __slots__ = ("_view", "decision", "failures", "memory", "next_change", "rules")

    def __init__(
        self,
        rules: RuleSet,
        view: View,
        decision: Decision,
        memory: Memory,
        next_change: datetime | None,
        failures: tuple[Failure, ...],
    ) -> None:
        self.rules = rules
        self._view = view
        self.decision = decision
        self.memory = memory
        "To be given to the next evaluation of the same person."
        self.next_change = next_change
        "The next moment at which the answer can change without any new fact; None: never."
        self.failures = failures

    @property
    def trace(self) -> Trace:
        """Why: every rule, every condition, the facts seen. Made anew at each use."""
        failed = {failure.rule: failure.message for failure in self.failures}
        return trace_of(self.rules, self._view, self.decision, failed)

    def with_decision(self, decision: Decision) -> "Evaluation":
        return Evaluation(self.rules, self._view, decision, self.memory, self.next_change, self.failures)


def evaluate(
    rules: RuleSet,
    person: Person,
    facts: Sequence[Fact],
    now: datetime,
    memory: Memory | None = None,
    frozen: datetime | None = None,
) -> Evaluation:
    """Decide. Raises nothing for whatever the facts hold: a rule that fails counts as not matching.

    ``until`` and ``coming`` of the decision stay empty here; rules.outlook.outlook() adds them. ``frozen``
    is for looking ahead from that moment: no fact goes stale after it, and nobody's idleness grows.
    """
    view = View(person, facts, now, rules.rank, rules.reading.calendars, memory or NO_MEMORY, frozen)
    choice = _return(view)
    held = _hold_conditions(rules, view) if rules.held else NO_MEMORY.held
    fired: dict[str, Fired] = {}
    gathered = Gathered()
    failures: list[Failure] = []
    for rule in rules.candidates(view):
        if rule.only_state and gathered.state is not None and not rule.lingers:
            continue
        try:
            condition = rule.condition
            matched = condition is None or condition.test(view) is True
            if matched or rule.lingers:
                _apply(rules, rule, matched, view, gathered, fired)
        except RuleFailure as failure:
            failures.append(Failure(rule.name, str(failure)))
        except Exception as error:
            failures.append(Failure(rule.name, f"{type(error).__name__} while looking at its conditions"))
    if gathered.state is None:
        fallback = rules.states[rules.otherwise if view.known_enough() else UNKNOWN_STATE]
    else:
        fallback = gathered.state
    decision = gathered.decision(
        person.key,
        fallback,
        device_uses(view.activities, view.reaches),
        lambda template: template.fill(view, None),
    )
    if held or fired or choice is not None:
        view.memory = Memory(MappingProxyType(held), MappingProxyType(fired), choice)
    else:
        view.memory = NO_MEMORY
    return Evaluation(rules, view, decision, view.memory, _next_change(rules, view), tuple(failures))


def _apply(
    rules: RuleSet, rule: Rule, matched: bool, view: View, gathered: Gathered, fired: dict[str, Fired]
) -> None:
    words: tuple[str | None, ...] | None = None
    if rule.lingers:
        lingering = _linger(rule, view, matched)
        if lingering is None:
            return
        fired[rule.name] = lingering
        words = lingering.words

    def fill(template: Template) -> str | None:
        if words is None or matched:
            return template.fill(view, rule.calendar)
        for one, text in zip(rule.templates, words, strict=False):
            if one is template:
                return text
        return None

    state = _state(rules, rule, fill)
    chosen = view.manual if rule.fixed_state is None and rule.state is not None else None
    gathered.take(rule, state, fill, chosen.note if chosen is not None else None)


def _state(rules: RuleSet, rule: Rule, fill: Fill) -> StateDefinition | None:
    if rule.fixed_state is not None:
        return rules.states[rule.fixed_state]
    if rule.state is None:
        return None
    name = fill(rule.state)
    if name is None:
        raise RuleFailure(f"nothing to put in for `{rule.state.text}`")
    state = rules.states.get(name)
    if state is None:
        raise RuleFailure(f"there is no state `{name}`")
    return state


def _linger(rule: Rule, view: View, matched: bool) -> Fired | None:
    """What a rule with ``hold:`` or ``dwell:`` leaves in the memory; None when it does not fire."""
    known = view.memory.fired.get(rule.name)
    if known is not None and known.until is not None and view.now >= known.until:
        known = None
    if matched:
        words = tuple(template.fill(view, rule.calendar) for template in rule.templates)
        return Fired(known.since if known is not None else view.now, None, words)
    if known is None or known.until is not None:
        return known
    ends = [view.now + rule.hold] if rule.hold is not None else []
    if rule.dwell is not None:
        ends.append(known.since + rule.dwell)
    until = max(ends)
    return replace(known, until=until) if until > view.now else None


def _hold_conditions(rules: RuleSet, view: View) -> dict[str, datetime]:
    """Since when each condition with ``for:`` holds; the inner ones first."""
    before = view.memory.held
    held: dict[str, datetime] = {}
    view.memory = replace(view.memory, held=held)
    for condition in rules.held:
        try:
            holds = condition.condition.test(view) is True
        except Exception:
            # The rule that it belongs to fails for the same reason, and says so.
            continue
        if holds:
            since = before.get(condition.key)
            if since is None:
                since = condition.condition.since(view)
            held[condition.key] = min(since, view.now) if since is not None else view.now
    return held


def _return(view: View) -> Choice | None:
    """Follow a choice *until I come back*: away from all devices, then at one of them again."""
    chosen, fact = view.manual, view.manual_fact
    if chosen is None or fact is None or not chosen.until_return:
        return None
    known = view.memory.choice
    stage = known.stage if known is not None and known.chosen_at == fact.observed_at else "here"
    used = [
        one
        for one in view.activities
        if isinstance(one.value, ActivityValue) and one.value.state is ActivityState.ACTIVE
    ]
    if stage == "here" and view.activities and not used:
        stage = "gone"
    elif stage == "gone" and any(one.observed_at > fact.observed_at for one in used):
        stage = "back"
    if stage == "back":
        view.manual = None
    return Choice(fact.observed_at, stage)


def _next_change(rules: RuleSet, view: View) -> datetime | None:
    edge = view.edge
    for condition in rules.timed:
        at = condition.edge(view)
        if at < edge:
            edge = at
    for fired in view.memory.fired.values():
        if fired.until is not None and view.now < fired.until < edge:
            edge = fired.until
    return edge if edge is not NEVER and edge < NEVER - timedelta(days=1) else None
