"""A loaded rules file: states, rules, and what stands around them. Frozen; shared by all evaluations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from connectors.facts import Shows
from rules.conditions.base import Condition, Who
from rules.conditions.calendar import CalendarCondition
from rules.conditions.combine import All, HeldFor
from rules.decision import Basic, Extension, Lamp
from rules.reading import Reading
from rules.source import Node
from rules.templates import Template
from rules.view import View
from rules.yaml_marks import Problem

if TYPE_CHECKING:
    from rules.cases import TestCase

UNKNOWN_STATE = "unknown"
AVAILABLE_STATE = "available"


@dataclass(frozen=True, slots=True)
class NoteTemplate:
    template: Template
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a state or a rule sets. None: leaves it open.

    ``activities`` to ``importance`` belong to the state and go with it; ``places`` and the rest belong to
    the person's surroundings and are filled in by whichever rule comes first.
    """

    basic: Basic | None = None
    activities: tuple[str, ...] | None = None
    moods: tuple[str, ...] | None = None
    mood_note: str | None = None
    notes: tuple[NoteTemplate, ...] | None = None
    lamp: Lamp | None = None
    importance: str | None = None
    place: Template | None = None
    place_types: tuple[str, ...] | None = None
    sphere: str | None = None
    extensions: tuple[Extension, ...] | None = None
    of_state: tuple[tuple[str, Any], ...] = field(init=False, compare=False, repr=False)
    "What is set of the first kind, by name."
    of_surroundings: tuple[tuple[str, Any], ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "of_state", self._given(OF_STATE))
        object.__setattr__(self, "of_surroundings", self._given(OF_SURROUNDINGS))

    def _given(self, names: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
        values = ((name, getattr(self, name)) for name in names)
        return tuple((name, value) for name, value in values if value is not None)

    @property
    def surroundings(self) -> bool:
        """Sets something that even a rule whose state lost may fill in."""
        return bool(self.of_surroundings)


OF_STATE = ("basic", "activities", "moods", "notes", "lamp", "importance")
"Attributes that go with the state."
OF_SURROUNDINGS = ("place", "place_types", "sphere", "extensions")


@dataclass(frozen=True, slots=True)
class StateDefinition:
    name: str
    effect: Effect
    title: str | None = None
    "What boards call it."


@dataclass(frozen=True, slots=True)
class Rule:
    """``condition`` None: always. ``state`` None: sets single attributes only."""

    name: str
    file: str
    line: int
    condition: Condition | None
    effect: Effect
    state: Template | None = None
    fixed_state: str | None = None
    hold: timedelta | None = None
    dwell: timedelta | None = None
    calendar: CalendarCondition | None = None
    "The first calendar condition; its event is the one that the rule's templates speak of."
    held: tuple[HeldFor, ...] = ()
    templates: tuple[Template, ...] = ()
    "All that must be remembered while the rule is held."
    only_state: bool = False
    "Has nothing to say once the state and its attributes are settled."

    lingers: bool = False
    "Has `hold` or `dwell`."


@dataclass(frozen=True)
class RuleSet:
    """Everything that one file, with what it includes, says."""

    file: str
    states: Mapping[str, StateDefinition]
    rules: tuple[Rule, ...]
    reading: Reading = field(default_factory=Reading)
    otherwise: str = AVAILABLE_STATE
    "The state of a person of whom enough is known and no rule says anything."
    namespaces: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tests: "tuple[TestCase, ...]" = ()
    warnings: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    "All that was read: the file itself, what it includes, and shipped packs as `packs/NAME.yaml`."
    source: Node | None = field(default=None, compare=False, repr=False)

    @cached_property
    def rank(self) -> Mapping[Shows, int]:
        return dict(self.reading.rank())

    @cached_property
    def timed(self) -> tuple[Condition, ...]:
        """Conditions with edges of their own, the same one once."""
        conditions = [rule.condition for rule in self.rules if rule.condition is not None]
        leaves: dict[Condition, None] = {}
        while conditions:
            condition = conditions.pop()
            if not condition.timed:
                continue
            if isinstance(condition, HeldFor) or not condition.parts():
                leaves[condition] = None
            conditions += condition.parts()
        return tuple(leaves)

    @cached_property
    def held(self) -> tuple[HeldFor, ...]:
        return tuple(held for rule in self.rules for held in rule.held)

    @cached_property
    def lingering(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.lingers)

    @cached_property
    def _needs(self) -> tuple[tuple[int, Rule], ...]:
        return tuple(
            (0 if rule.lingers or rule.condition is None else rule.condition.needs, rule)
            for rule in self.rules
        )

    @cached_property
    def _candidates(self) -> dict[tuple[object, ...], tuple[Rule, ...]]:
        return {}

    @cached_property
    def _by_key(self) -> bool:
        """Whether rules ask who somebody is, and not only for groups, roles and privacy levels."""
        return any(_asks_for(rule.condition, "person") for rule in self.rules)

    def candidates(self, view: View) -> tuple[Rule, ...]:
        """The rules that can match at all with what is there to look at and for whom. Found once each."""
        person = view.person
        present = view.present()
        name = person.key if self._by_key else None
        key = (present, view.signature(), person.groups, person.roles, person.privacy, name)
        known = self._candidates.get(key)
        if known is None:
            if len(self._candidates) > MAX_KEPT:
                self._candidates.clear()
            known = tuple(
                rule for needs, rule in self._needs if needs & ~present == 0 and not _excluded(rule, view)
            )
            self._candidates[key] = known
        return known


MAX_KEPT = 10_000
"Combinations of what is there and for whom, of which the candidates are kept."


def _asks_for(condition: Condition | None, word: str) -> bool:
    if condition is None:
        return False
    if isinstance(condition, Who) and condition.label.startswith(word):
        return True
    return any(_asks_for(part, word) for part in condition.parts())


def _excluded(rule: Rule, view: View) -> bool:
    """Not for this person, or not with this place and these events, whatever else is known."""
    condition = rule.condition
    if rule.lingers or condition is None:
        return False
    parts = condition.conditions if isinstance(condition, All) else (condition,)
    return any(part.settled and part.test(view) is not True for part in parts)
