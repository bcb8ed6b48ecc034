"""Gathering what the rules that fire set, attribute by attribute, into a Decision. Pure."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

from connectors.facts import ActivityState, ActivityValue, Fact, ReachState, ReachValue
from rules.decision import Basic, Decision, DeviceUse, Lamp, Note
from rules.model import UNKNOWN_STATE, NoteTemplate, Rule, StateDefinition
from rules.templates import Template

Fill = Callable[[Template], str | None]
Given = tuple[tuple[str, Any], ...]


class RuleFailure(Exception):
    """A rule that matched cannot be carried out; it counts as not matching."""


class Gathered:
    """The attributes so far. The first rule that sets one keeps it."""

    __slots__ = ("because", "state", "values")

    def __init__(self) -> None:
        self.state: StateDefinition | None = None
        self.values: dict[str, Any] = {}
        self.because: dict[str, str] = {}

    def take(self, rule: Rule, state: StateDefinition | None, fill: Fill, own_note: str | None) -> None:
        """What a rule that fires sets. A rule whose state came too late may still fill in surroundings."""
        late = state is not None and self.state is not None
        if state is not None and not late:
            self.state = state
            self.because["state"] = rule.name
        if not late:
            self._set(rule, rule.effect.of_state, rule.effect.mood_note, fill)
            if own_note and rule.effect.notes is None and "notes" not in self.values:
                self._put(rule, "notes", (Note(own_note),))
        self._set(rule, rule.effect.of_surroundings, None, fill)
        if state is not None:
            if not late:
                self._set(rule, state.effect.of_state, state.effect.mood_note, fill)
            self._set(rule, state.effect.of_surroundings, None, fill)

    def _put(self, rule: Rule, name: str, value: Any) -> None:
        self.values[name] = value
        self.because[name] = rule.name

    def _set(self, rule: Rule, given: Given, mood_note: str | None, fill: Fill) -> None:
        for name, value in given:
            if name in self.values:
                continue
            if name == "notes":
                value = notes(value, fill)
                if not value:
                    continue
            elif name == "place":
                value = fill(value)
                if value is None:
                    continue
            elif name == "moods":
                self.values["mood_note"] = mood_note
            self._put(rule, name, value)

    def decision(
        self, person: str, fallback: StateDefinition, devices: tuple[DeviceUse, ...], fill: Fill
    ) -> Decision:
        state = self.state or fallback
        values = self.values
        if self.state is None:
            for name, value in (*state.effect.of_state, *state.effect.of_surroundings):
                if name not in values:
                    if name == "notes":
                        value = notes(value, fill)
                    elif name == "place":
                        value = fill(value)
                    values[name] = value
        unknown = state.name == UNKNOWN_STATE
        return Decision(
            person=person,
            state=state.name,
            basic=values.get("basic", None if unknown else Basic.OPEN),
            activities=values.get("activities", ()),
            moods=values.get("moods", ()),
            mood_note=values.get("mood_note"),
            notes=values.get("notes", ()),
            place=values.get("place"),
            place_types=values.get("place_types", ()),
            sphere=values.get("sphere"),
            lamp=values.get("lamp", Lamp.DARK),
            importance=values.get("importance"),
            devices=devices,
            extensions=values.get("extensions", ()),
            because=MappingProxyType(self.because),
        )


def notes(templates: tuple[NoteTemplate, ...], fill: Fill) -> tuple[Note, ...]:
    filled = ((fill(note.template), note.lang) for note in templates)
    return tuple(Note(text, lang) for text, lang in filled if text)


def device_uses(activities: Sequence[Fact], reaches: Sequence[Fact]) -> tuple[DeviceUse, ...]:
    """One per device, in the order of their names."""
    if not activities and not reaches:
        return ()
    used = _newest_by_device(activities)
    reach = _newest_by_device(reaches)
    uses: list[DeviceUse] = []
    for device in sorted(used.keys() | reach.keys()):
        activity, phone = used.get(device), reach.get(device)
        active, last_input, reachable = None, None, None
        if activity is not None and isinstance(activity.value, ActivityValue):
            active, last_input = activity.value.state is ActivityState.ACTIVE, activity.value.last_input
        if phone is not None and isinstance(phone.value, ReachValue):
            reachable = phone.value.state is not ReachState.OFFLINE
        uses.append(DeviceUse(device, active, last_input, reachable))
    return tuple(uses)


def _newest_by_device(facts: Sequence[Fact]) -> dict[str, Fact]:
    """The newest word about a device counts, whichever source it comes from."""
    newest: dict[str, Fact] = {}
    for fact in facts:
        device: str = fact.value.device  # type: ignore[union-attr]
        known = newest.get(device)
        if known is None or (known.observed_at, known.source) < (fact.observed_at, fact.source):
            newest[device] = fact
    return newest
