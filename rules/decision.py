"""Decision: what the rules make of the facts about one person at one moment. Pure.

The agent turns it into a PIDF document (agent/publisher/compose.py); it names nothing of SIP or XML syntax
but uses the vocabulary of RFC 4480 (activities, moods, place types …) because that is what admins write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Basic(StrEnum):
    """RFC 3863 §4.1.4."""

    OPEN = "open"
    CLOSED = "closed"


class Lamp(StrEnum):
    """What a busy lamp on a desk phone shows for the state."""

    DARK = "dark"
    LIT = "lit"
    BLINKING = "blinking"


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """One device of the person, for RFC 4479 devices and RFC 4480 user-input."""

    device: str
    active: bool | None
    "None: unknown."
    last_input: datetime | None = None
    reachable: bool | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """One element in the organisation's own namespace, declared in the rules file."""

    namespace: str
    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    markup: str = ""
    """Where text and attributes do not say it all (elements inside): the element as it was written, inside one that
    declares the namespaces. Well formed."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A known future state (RFC 4481 timed-status): ``[start, end)``."""

    start: datetime
    end: datetime | None
    state: str
    basic: Basic
    notes: tuple[Note, ...] = ()
    activities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Attributes that no rule set are empty. ``basic`` None means unknown: nothing is claimed."""

    person: str
    state: str
    "Name of the state; `unknown` when no rule could say."
    basic: Basic | None = None
    activities: tuple[str, ...] = ()
    "RFC 4480 §3.2 names."
    moods: tuple[str, ...] = ()
    "RFC 4480 §3.5 names."
    mood_note: str | None = None
    "The organisation's own word where `other` stands in for a mood that RFC 4480 lacks."
    notes: tuple[Note, ...] = ()
    place: str | None = None
    "The organisation's own name of the place."
    place_types: tuple[str, ...] = ()
    "RFC 4589 names."
    sphere: str | None = None
    lamp: Lamp = Lamp.DARK
    importance: str | None = None
    "May this be interrupted? The organisation's own scale, e.g. `low`, `normal`, `high`."
    until: datetime | None = None
    "When the state is expected to end, as far as the facts know."
    devices: tuple[DeviceUse, ...] = ()
    extensions: tuple[Extension, ...] = ()
    coming: tuple[Coming, ...] = ()
    because: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    "Attribute -> name of the rule that set it; `state` is the one shown on boards."

    def foreseeing(self, until: datetime | None, coming: tuple[Coming, ...]) -> "Decision":
        """The same with another outlook."""
        # Once for each person at ten o'clock; `dataclasses.replace` takes three times as long.
        return Decision(
            self.person,
            self.state,
            self.basic,
            self.activities,
            self.moods,
            self.mood_note,
            self.notes,
            self.place,
            self.place_types,
            self.sphere,
            self.lamp,
            self.importance,
            until,
            self.devices,
            self.extensions,
            coming,
            self.because,
        )
