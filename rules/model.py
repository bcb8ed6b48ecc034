"""A loaded rules file: states, rules, and what stands around them. Frozen; shared by all evaluations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from connectors.facts import Shows
from rules.conditions.base import Condition
from rules.conditions.calendar import CalendarCondition
from rules.conditions.combine import HeldFor
from rules.decision import Basic, Extension, Lamp
from rules.source import Node
from rules.templates import Template
from rules.view import Reading
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

    @property
    def surroundings(self) -> bool:
        """Sets something that even a rule whose state lost may fill in."""
        values = (self.place, self.place_types, self.sphere, self.extensions)
        return any(value is not None for value in values)


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

    @property
    def lingers(self) -> bool:
        return self.hold is not None or self.dwell is not None


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
    source: Node | None = field(default=None, compare=False, repr=False)

    @cached_property
    def rank(self) -> Mapping[Shows, int]:
        return dict(self.reading.rank())

    @cached_property
    def timed(self) -> tuple[Condition, ...]:
        """Conditions with edges of their own, the same one once."""
        conditions = [rule.condition for rule in self.rules if rule.condition is not None]
        leaves: dict[int, Condition] = {}
        while conditions:
            condition = conditions.pop()
            if not condition.timed:
                continue
            if isinstance(condition, HeldFor) or not condition.parts():
                leaves[id(condition)] = condition
            conditions += condition.parts()
        return tuple(leaves.values())

    @cached_property
    def held(self) -> tuple[HeldFor, ...]:
        return tuple(held for rule in self.rules for held in rule.held)

    @cached_property
    def lingering(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.lingers)
