"""What is no mistake but doubtful: rules that can never win, states that nothing reaches."""

from collections.abc import Iterator

from connectors.facts import FactKind
from rules.conditions.base import Condition, FactCondition
from rules.conditions.combine import All, Some
from rules.model import Rule, RuleSet
from rules.yaml_marks import Problem


def warnings_about(rules: RuleSet) -> list[Problem]:
    """In no order."""
    found = list(_never_winning(rules))
    if rules.rules and not any(_about(rule.condition, FactKind.MANUAL) for rule in rules.rules):
        hint = 'add a rule with `when: {manual: set}` and `state: "{manual.state}"` at the top'
        found.append(Problem(rules.file, 1, 1, "no rule heeds what people choose themselves", hint))
    return found


def _never_winning(rules: RuleSet) -> Iterator[Problem]:
    """A rule below one that always matches when it does, and that sets all it could set."""
    for at, rule in enumerate(rules.rules):
        wanted = _sets(rules, rule)
        if not wanted:
            continue
        for above in rules.rules[:at]:
            if above.state is None or (above.fixed_state is None and not _is_choice(above)):
                continue
            if _covers(above.condition, rule.condition) and wanted <= _sets(rules, above):
                message = f"the rule `{rule.name}` can never win"
                hint = f"`{above.name}` in line {above.line} of {above.file} always comes first"
                if above.file == rule.file:
                    hint = f"`{above.name}` in line {above.line} always comes first"
                yield Problem(rule.file, rule.line, 1, message, hint)
                break


def _is_choice(rule: Rule) -> bool:
    return rule.state is not None and "manual.state" in rule.state.names


def _sets(rules: RuleSet, rule: Rule) -> set[str]:
    """What of the rule can still have an effect: a state takes all that belongs to it along."""
    effect = rule.effect
    surroundings = {
        name
        for name in ("place", "place_types", "sphere", "extensions")
        if getattr(effect, name) is not None
        or (rule.fixed_state is not None and getattr(rules.states[rule.fixed_state].effect, name) is not None)
    }
    if rule.state is not None:
        return {"state"} | surroundings
    own = ("basic", "activities", "moods", "notes", "lamp", "importance")
    return {name for name in own if getattr(effect, name) is not None} | surroundings


def _covers(above: Condition | None, below: Condition | None) -> bool:
    """Whether ``above`` certainly holds whenever ``below`` does. Says no when in doubt."""
    if above is None:
        return True
    if below is None:
        return False
    if _same(above, below):
        return True
    if isinstance(above, All):
        return all(_covers(part, below) for part in above.conditions)
    if isinstance(above, Some) and any(_covers(part, below) for part in above.conditions):
        return True
    if isinstance(below, All):
        return any(_covers(above, part) for part in below.conditions)
    if isinstance(below, Some):
        return all(_covers(above, part) for part in below.conditions)
    return _wider(above, below)


def _same(one: Condition, other: Condition) -> bool:
    return type(one) is type(other) and one == other


def _wider(above: Condition, below: Condition) -> bool:
    """The same question with fewer demands: each attribute of ``above`` is open, equal, or a larger choice."""
    if type(above) is not type(below) or not isinstance(above, FactCondition):
        return False
    if above.kind is FactKind.CALENDAR and getattr(above, "plain", False) != getattr(below, "plain", False):
        # Of fewer demands another event may be the strongest.
        return False
    for name in _attributes(above):
        mine, other = getattr(above, name), getattr(below, name)
        if name in ("label", "plain") or mine == other:
            continue
        if mine is None and name != "stale":
            continue
        if isinstance(mine, frozenset) and isinstance(other, frozenset) and other <= mine:
            continue
        if name == "state" and getattr(above, "any_choice", False) and not getattr(below, "no_choice", False):
            continue
        if name == "any_choice" and mine and not getattr(below, "no_choice", False):
            continue
        return False
    return True


def _attributes(condition: Condition) -> list[str]:
    return [name for kind in type(condition).__mro__ for name in getattr(kind, "__slots__", ())]


def _about(condition: Condition | None, kind: FactKind) -> bool:
    if condition is None:
        return False
    if isinstance(condition, FactCondition) and condition.kind is kind:
        return True
    return any(_about(part, kind) for part in condition.parts())
