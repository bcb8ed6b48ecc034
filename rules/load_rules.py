"""One item under ``rules:`` → a Rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.facts import FactKind
from rules import load_values as read
from rules.conditions.base import Condition, FactCondition
from rules.load_conditions import ConditionLoader
from rules.load_effects import THEN_KEYS, EffectLoader
from rules.model import Effect, Rule, StateDefinition
from rules.problems import Problems
from rules.source import Node
from rules.templates import Template
from rules.values import duration

RULE_KEYS = ("name", "when", "then", "for", "hold", "dwell")


@dataclass(slots=True)
class RuleLoader:
    problems: Problems
    effects: EffectLoader
    states: Mapping[str, StateDefinition]
    dwell: timedelta | None
    names: dict[str, Node] = field(default_factory=dict)

    def load(self, node: Node) -> Rule | None:
        """None when the rule is wrong, or when a file further up has one of the same name."""
        before = len(self.problems.found)
        pairs = read.mapping(node, self.problems, "the rule", RULE_KEYS)
        name = self._name(node, pairs.get("name"))
        if name is None:
            return None
        conditions = ConditionLoader(self.problems, name)
        condition = self._when(node, pairs, conditions)
        then = pairs.get("then")
        if then is None:
            self.problems.add(node, f"the rule `{name}` says nothing", "add `then: {state: …}`")
            return None
        if then.kind == "map" and not then.pairs:
            self.problems.add(then, f"the rule `{name}` sets nothing", "write it like then: {state: dnd}")
        effects = read.mapping(then, self.problems, "`then`", THEN_KEYS)
        effect = self.effects.effect(effects)
        state, fixed = self._state(effects.get("state"))
        hold = self._duration(pairs, "hold")
        dwell = self._duration(pairs, "dwell")
        if len(self.problems.found) > before:
            return None
        if dwell is None and self.dwell is not None and not _about_choice(condition):
            dwell = self.dwell
        surroundings = effect.surroundings or (
            self.states[fixed].effect.surroundings if fixed is not None else state is not None
        )
        return Rule(
            name=name,
            file=node.file,
            line=node.line,
            condition=condition,
            effect=effect,
            state=state,
            fixed_state=fixed,
            hold=hold,
            lingers=hold is not None or dwell is not None,
            dwell=dwell,
            calendar=conditions.calendars[0] if conditions.calendars else None,
            held=tuple(conditions.held),
            templates=self._templates(effect, state, fixed),
            only_state=fixed is not None and not surroundings,
        )

    def _name(self, node: Node, given: Node | None) -> str | None:
        if given is None:
            name = f"rule in line {node.line}"
        else:
            text = read.text(given, self.problems, "`name`")
            if text is None:
                return None
            name = text.strip()
        first = self.names.get(name)
        if first is None:
            self.names[name] = node
            return name
        if first.file != node.file:
            return None
        message = f"a rule `{name}` is already in line {first.line}"
        self.problems.add(given or node, message, "give it another name")
        return name

    def _when(self, node: Node, pairs: Mapping[str, Node], conditions: ConditionLoader) -> Condition | None:
        when = pairs.get("when")
        condition = conditions.load(when) if when is not None else None
        wait = pairs.get("for")
        if wait is None:
            return condition
        if when is None:
            self.problems.add(wait, "`for` needs a `when` beside it")
            return None
        return conditions.wait(condition, wait) if condition is not None else None

    def _duration(self, pairs: Mapping[str, Node], key: str) -> timedelta | None:
        node = pairs.get(key)
        return read.converted(node, self.problems, f"`{key}`", duration) if node is not None else None

    def _state(self, node: Node | None) -> tuple[Template | None, str | None]:
        if node is None:
            return None, None
        template = self.effects.template(node, "`state`")
        if template is None:
            return None, None
        name = template.fixed
        if name is None:
            return template, None
        if name not in self.states:
            self.problems.unknown(node, "the state", self.states)
            return None, None
        return template, name

    def _templates(self, effect: Effect, state: Template | None, fixed: str | None) -> tuple[Template, ...]:
        found = [state] if state is not None and fixed is None else []
        effects = [effect] + ([self.states[fixed].effect] if fixed is not None else [])
        for one in effects:
            found += [note.template for note in one.notes or ()]
            found += [one.place] if one.place is not None else []
        return tuple(found)


def _about_choice(condition: Condition | None) -> bool:
    if condition is None:
        return False
    if isinstance(condition, FactCondition):
        return condition.kind is FactKind.MANUAL
    return any(_about_choice(part) for part in condition.parts())
