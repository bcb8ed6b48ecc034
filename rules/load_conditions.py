"""``when:`` → conditions."""

from dataclasses import dataclass, field
from typing import Any

from connectors.facts import ActivityState, CallState, FactKind, ReachState, Shows
from rules import load_values as read
from rules.conditions.base import Condition, IsStale, IsUnknown, Who
from rules.conditions.calendar import CalendarCondition
from rules.conditions.choice import ManualCondition
from rules.conditions.clock import ScheduleCondition, TimeCondition, country_problem
from rules.conditions.combine import All, HeldFor, Not, Some
from rules.conditions.devices import ActivityCondition, CallCondition, ReachCondition
from rules.conditions.place import PlaceCondition
from rules.problems import Problems
from rules.source import Node
from rules.values import (
    TextMatch,
    ValueProblem,
    compare_count,
    compare_duration,
    compare_share,
    day_span,
    duration,
    time_of_day,
    weekdays,
)
from rules.view import View
from rules.vocabulary import COMBINE, IN_CALL, NONE, SET, STALE, UNKNOWN, WORDS, Attribute, Takes

_IN_CALL = frozenset({CallState.TALKING, CallState.HELD, CallState.CONFERENCE})


@dataclass(slots=True)
class ConditionLoader:
    """For one rule: its conditions with ``for:`` are named after it."""

    problems: Problems
    rule: str
    held: list[HeldFor] = field(default_factory=list)
    calendars: list[CalendarCondition] = field(default_factory=list)

    def load(self, node: Node) -> Condition | None:
        """A mapping: all of its conditions together. None when something in it is wrong."""
        if node.kind != "map":
            self.problems.add(node, "a condition must be a mapping", "write it like {calendar: busy}")
            return None
        if not node.pairs:
            self.problems.add(node, "an empty condition", "leave `when` out for a rule that always matches")
            return None
        parts: list[Condition | None] = []
        wait: Node | None = None
        for key, value in node.pairs:
            if key.text == "for":
                wait = value
            elif key.text in COMBINE:
                parts.append(self._combine(key, value))
            elif key.text in WORDS:
                parts.append(self._word(key, value))
            else:
                self.problems.unknown(key, "the condition", (*WORDS, *COMBINE))
                parts.append(None)
        if wait is not None and not parts:
            self.problems.add(wait, "`for` needs a condition beside it")
            return None
        known = [part for part in parts if part is not None]
        if len(known) != len(parts):
            return None
        whole = known[0] if len(known) == 1 else All(label="all of these", conditions=tuple(known))
        return self.wait(whole, wait) if wait is not None else whole

    def wait(self, condition: Condition, node: Node) -> Condition | None:
        length = read.converted(node, self.problems, "`for`", duration)
        if length is None:
            return None
        label = f"for at least {node.text}"
        held = HeldFor(
            label=label, condition=condition, length=length, key=f"{self.rule}#{len(self.held) + 1}"
        )
        self.held.append(held)
        return held

    def _combine(self, key: Node, value: Node) -> Condition | None:
        if key.text == "not" and value.kind == "map":
            inner = self.load(value)
            return Not(label="not", condition=inner) if inner is not None else None
        if value.kind != "list" or not value.items:
            hint = "begin each condition on a line of its own with a dash"
            self.problems.add(value, f"`{key.text}` needs a list of conditions", hint)
            return None
        parts = [self.load(item) for item in value.items]
        known = tuple(part for part in parts if part is not None)
        if len(known) != len(parts):
            return None
        if key.text == "all":
            return All(label="all of these", conditions=known)
        some = Some(label="any of these", conditions=known)
        return some if key.text == "any" else Not(label="none of these", condition=some)

    def _word(self, key: Node, value: Node) -> Condition | None:
        name, word = key.text, WORDS[key.text]
        if word.fact and value.kind == "text" and value.text in (UNKNOWN, STALE):
            kind, label = FactKind(name), f"{name} is {value.text}"
            plain: type[IsUnknown | IsStale] = IsUnknown if value.text == UNKNOWN else IsStale
            return plain(label=label, kind=kind)
        nodes = self._attributes(name, value)
        if nodes is None:
            return None
        before = len(self.problems.found)
        given: dict[str, Any] = {}
        for attribute, node in nodes.items():
            given[attribute] = self._value(f"`{name}.{attribute}`", word.attributes[attribute], node)
        if len(self.problems.found) > before:
            return None
        words = [f"{attribute.replace('_', ' ')} {_spell(node)}" for attribute, node in nodes.items()]
        return self._build(name, f"{name}: {', '.join(words)}", given, value)

    def _attributes(self, name: str, value: Node) -> dict[str, Node] | None:
        word = WORDS[name]
        if value.kind == "map":
            if not value.pairs:
                self.problems.add(value, f"`{name}` says nothing", f"write it like `{name}: {word.example}`")
                return None
            before = len(self.problems.found)
            nodes = read.mapping(value, self.problems, f"`{name}`", word.attributes)
            return nodes if len(self.problems.found) == before else None
        if value.kind == "null":
            self.problems.add(value, f"`{name}` says nothing", f"write it like `{name}: {word.example}`")
            return None
        if name == "time" and value.kind == "text" and "-" in value.text:
            first, _, last = value.text.partition("-")
            start = Node("text", value.file, value.line, value.column, first.strip())
            return {"from": start, "to": Node("text", value.file, value.line, value.column, last.strip())}
        return {word.short: value}

    def _value(self, what: str, attribute: Attribute, node: Node) -> Any:
        problems = self.problems
        match attribute.takes:
            case Takes.CHOICE:
                return read.choices(node, problems, what, attribute.choices)
            case Takes.TEXT:
                return read.match(node, problems, what)
            case Takes.YES_NO:
                return read.yes_no(node, problems, what)
            case Takes.DURATION:
                return read.converted(node, problems, what, duration)
            case Takes.LASTING:
                return read.converted(node, problems, what, compare_duration)
            case Takes.COUNT:
                return read.converted(node, problems, what, compare_count)
            case Takes.SHARE:
                return read.converted(node, problems, what, compare_share)
            case Takes.TIME:
                return read.converted(node, problems, what, time_of_day)
            case Takes.DAYS:
                days = [read.converted(item, problems, what, weekdays) for item in node.listed()]
                return frozenset().union(*(day for day in days if day))
            case Takes.DATES:
                return tuple(read.converted(item, problems, what, day_span) for item in node.listed())
            case Takes.COUNTRY:
                return read.converted(node, problems, what, _country)
            case Takes.FRESHNESS:
                return read.choice(node, problems, what, attribute.choices)

    def _build(self, name: str, label: str, given: dict[str, Any], node: Node) -> Condition | None:
        if name in ("person", "group", "role", "privacy"):
            return Who(label=f"{name} is {_spell(node)}", match=given["is"], texts=_WHO[name])
        if name == "time":
            return self._time(label, given, node)
        kind = FactKind(name)
        if name == "calendar":
            return self._calendar(label, given)
        if name == "call":
            states = _states(given.pop("state", None))
            return CallCondition(label=label, kind=kind, states=states, **given)
        if name == "place":
            zone: TextMatch | None = given.pop("zone", None)
            nowhere = zone is not None and NONE in zone.words
            return PlaceCondition(label=label, kind=kind, zone=zone, nowhere=nowhere, **given)
        if name == "activity":
            activity = _enum(ActivityState, given.pop("state", None))
            return ActivityCondition(label=label, kind=kind, states=activity, **given)
        if name == "reach":
            reach = _enum(ReachState, given.pop("state", None))
            return ReachCondition(label=label, kind=kind, states=reach, **given)
        if name == "manual":
            return self._manual(label, given)
        wanted = given.pop("is", None)
        return ScheduleCondition(
            label=label, kind=kind, wanted=wanted, label_match=given.pop("label", None), **given
        )

    def _calendar(self, label: str, given: dict[str, Any]) -> Condition:
        shows = _enum(Shows, given.pop("shows", None))
        condition = CalendarCondition(
            label=label, kind=FactKind.CALENDAR, shows=shows, plain=not given, **given
        )
        self.calendars.append(condition)
        return condition

    def _manual(self, label: str, given: dict[str, Any]) -> Condition:
        state: TextMatch | None = given.pop("state", None)
        words = {word.lower() for word in state.words} if state is not None else {SET}
        return ManualCondition(
            label=label,
            kind=FactKind.MANUAL,
            any_choice=SET in words,
            no_choice=NONE in words,
            state=state,
            note=given.get("note"),
        )

    def _time(self, label: str, given: dict[str, Any], node: Node) -> Condition | None:
        start, end = given.pop("from", None), given.pop("to", None)
        if start is not None and start == end:
            self.problems.add(node, "`from` and `to` are the same time", "for the whole day leave both out")
            return None
        window = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
        return TimeCondition(label=label, **window, **given)


def _states(words: frozenset[str] | None) -> frozenset[CallState] | None:
    if words is None:
        return None
    plain = frozenset(CallState(word) for word in words if word != IN_CALL)
    return plain | _IN_CALL if IN_CALL in words else plain


def _enum(kind: Any, words: frozenset[str] | None) -> Any:
    return None if words is None else frozenset(kind(word) for word in words)


def _country(text: str) -> tuple[str, str | None]:
    country, _, region = text.strip().upper().partition("-")
    problem = country_problem(country, region or None)
    if problem is not None:
        raise ValueProblem(problem)
    return country, region or None


def _spell(node: Node) -> str:
    if node.kind == "list":
        return " or ".join(_spell(item) for item in node.items)
    return {"true": "yes", "false": "no"}.get(node.text, node.text)


def _key(view: View) -> tuple[str, ...]:
    return (view.person.key,)


_WHO = {
    "person": _key,
    "group": lambda view: view.person.groups,
    "role": lambda view: view.person.roles,
    "privacy": lambda view: (view.person.privacy,),
}
