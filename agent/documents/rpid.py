"""RPID: what a person, service or device is doing, in detail (RFC 4480).

Writing follows the schema, with two exceptions that real readers need: `lunch`, which only the prose has,
and a sphere that is plain text, as in the RFC's own example. `strict` turns both into what the schema has.
How the elements are read is in rpid_reading.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from agent.documents.foreign import Foreign
from agent.documents.rpid_names import (
    ACTIVITIES,
    MOODS,
    NOT_IN_SCHEMA,
    PRIVACY,
    RELATIONSHIPS,
    SERVICE_CLASSES,
    SPHERES,
)
from agent.documents.values import Element, Note, time_xml
from agent.documents.xml import Attributes, attributes_xml, text_xml, value_xml


@dataclass(slots=True, unsafe_hash=True, kw_only=True)
class Ranged:
    """The attributes that RPID elements share: valid in `[from_, until)`, an xs:ID, unknown ones."""

    from_: datetime | None = None
    until: datetime | None = None
    id: str | None = None
    attributes: Attributes = ()

    def _frame(self) -> str:
        if self.from_ is None and self.until is None and self.id is None and not self.attributes:
            return ""
        start = "" if self.from_ is None else f' from="{time_xml(self.from_)}"'
        end = "" if self.until is None else f' until="{time_xml(self.until)}"'
        name = "" if self.id is None else f' id="{value_xml(self.id)}"'
        return start + end + name + attributes_xml(self.attributes)


@dataclass(slots=True, unsafe_hash=True)
class Choices(Ranged):
    """Elements that hold a choice of empty elements, beside notes and foreign ones."""

    kind: ClassVar[str] = ""
    group: ClassVar[str] = ""
    names: ClassVar[frozenset[str]] = frozenset()
    prefix: ClassVar[str] = "rpid"

    values: tuple[str, ...] = ()
    "Names of the vocabulary."
    other: Note | None = None
    "Text of `other`, where the format has it."
    notes: tuple[Note, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    def xml(self) -> str:
        return f"<rpid:{self.kind}{self._frame()}>{self._content()}</rpid:{self.kind}>"

    def _content(self) -> str:
        parts = [note.xml("rpid:note") for note in self.notes]
        parts += [f"<{self.prefix}:{value}/>" for value in self.values]
        if self.other is not None:
            parts.append(self.other.xml("rpid:other"))
        parts += [each.markup for each in self.foreign]
        return "".join(parts)


@dataclass(slots=True, unsafe_hash=True)
class Activities(Choices):
    kind: ClassVar[str] = "activities"
    group: ClassVar[str] = "activities"
    names: ClassVar[frozenset[str]] = ACTIVITIES


@dataclass(slots=True, unsafe_hash=True)
class Mood(Choices):
    kind: ClassVar[str] = "mood"
    group: ClassVar[str] = "mood"
    names: ClassVar[frozenset[str]] = MOODS


@dataclass(slots=True, unsafe_hash=True)
class PlaceType(Choices):
    """`values` are names of RFC 4589; those registered later are taken too."""

    kind: ClassVar[str] = "place-type"
    group: ClassVar[str] = "place-type"
    prefix: ClassVar[str] = "lt"


@dataclass(slots=True, unsafe_hash=True)
class Privacy(Choices):
    """Kinds of media that others nearby are unlikely to intercept. Written in alphabetical order."""

    kind: ClassVar[str] = "privacy"
    group: ClassVar[str] = "privacy"
    names: ClassVar[frozenset[str]] = PRIVACY

    def _content(self) -> str:
        # The schema has a sequence here, not a choice.
        return Choices._content(replace(self, values=tuple(sorted(self.values))))


@dataclass(slots=True, unsafe_hash=True)
class Relationship(Choices):
    kind: ClassVar[str] = "relationship"
    group: ClassVar[str] = "relationship"
    names: ClassVar[frozenset[str]] = RELATIONSHIPS


@dataclass(slots=True, unsafe_hash=True)
class ServiceClass(Choices):
    kind: ClassVar[str] = "service-class"
    group: ClassVar[str] = "service-class"
    names: ClassVar[frozenset[str]] = SERVICE_CLASSES


@dataclass(slots=True, unsafe_hash=True)
class Sphere(Choices):
    """`other` is plain text directly inside."""

    kind: ClassVar[str] = "sphere"
    group: ClassVar[str] = "sphere"
    names: ClassVar[frozenset[str]] = SPHERES

    def _content(self) -> str:
        if self.other is None:
            return Choices._content(self)
        return text_xml(self.other.text) + Choices._content(replace(self, other=None))


@dataclass(slots=True, unsafe_hash=True)
class PlaceIs(Ranged):
    """Properties of the place (RFC 4480 §3.6); None: nothing said."""

    kind: ClassVar[str] = "place-is"
    group: ClassVar[str] = "place-is"

    audio: str | None = None
    video: str | None = None
    text: str | None = None
    notes: tuple[Note, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    def xml(self) -> str:
        parts = [note.xml("rpid:note") for note in self.notes]
        for medium, value in (("audio", self.audio), ("video", self.video), ("text", self.text)):
            if value is not None:
                parts.append(f"<rpid:{medium}><rpid:{value}/></rpid:{medium}>")
        parts += [each.markup for each in self.foreign]
        return f"<rpid:place-is{self._frame()}>{''.join(parts)}</rpid:place-is>"


@dataclass(slots=True, unsafe_hash=True)
class Class(Ranged):
    """The publisher's own name for a kind of tuple, person or device (RFC 4480 §3.3)."""

    kind: ClassVar[str] = "class"
    group: ClassVar[str] = "class"

    token: str = ""

    def xml(self) -> str:
        return f"<rpid:class{self._frame()}>{text_xml(self.token)}</rpid:class>"


@dataclass(slots=True, unsafe_hash=True)
class StatusIcon(Ranged):
    kind: ClassVar[str] = "status-icon"
    group: ClassVar[str] = "status-icon"

    uri: str = ""

    def xml(self) -> str:
        return f"<rpid:status-icon{self._frame()}>{text_xml(self.uri)}</rpid:status-icon>"


@dataclass(slots=True, unsafe_hash=True)
class TimeOffset(Ranged):
    """Minutes east of UTC at the person's place (RFC 4480 §3.13)."""

    kind: ClassVar[str] = "time-offset"
    group: ClassVar[str] = "time-offset"

    minutes: int = 0
    description: str | None = None

    def xml(self) -> str:
        about = "" if self.description is None else f' description="{value_xml(self.description)}"'
        return f"<rpid:time-offset{self._frame()}{about}>{self.minutes}</rpid:time-offset>"


@dataclass(slots=True, unsafe_hash=True)
class UserInput(Ranged):
    """Whether the device, service or person had input of late (RFC 4480 §3.14)."""

    kind: ClassVar[str] = "user-input"
    group: ClassVar[str] = "user-input"

    active: bool = False
    "False: idle."
    idle_threshold: int | None = None
    "Seconds without input after which it counts as idle."
    last_input: datetime | None = None

    def xml(self) -> str:
        limit = "" if self.idle_threshold is None else f' idle-threshold="{self.idle_threshold}"'
        last = "" if self.last_input is None else f' last-input="{time_xml(self.last_input)}"'
        word = "active" if self.active else "idle"
        return f"<rpid:user-input{self._frame()}{limit}{last}>{word}</rpid:user-input>"


def strict(element: Element) -> Element:
    """The element in words that the schema of RFC 4480 has."""
    if isinstance(element, Activities) and not NOT_IN_SCHEMA.keys().isdisjoint(element.values):
        values = dict.fromkeys(NOT_IN_SCHEMA.get(value, value) for value in element.values)
        return replace(element, values=tuple(values))
    if isinstance(element, Sphere) and element.other is not None:
        return replace(element, other=None, values=element.values or ("unknown",))
    return element
