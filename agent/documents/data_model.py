"""The person and the devices of the presence data model (RFC 4479)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from agent.documents import device_id
from agent.documents.elements import read_element
from agent.documents.namespaces import DATA_MODEL, PIDF, RPID
from agent.documents.values import Element, Note, read_note, read_time, time_xml
from agent.documents.xml import (
    Attributes,
    attributes_xml,
    other_attributes,
    text_of,
    text_xml,
    token_of,
    value_xml,
)

PERSON: Final = f"{{{DATA_MODEL}}}person"
DEVICE: Final = f"{{{DATA_MODEL}}}device"

# A `note` without prefix inside a person belongs to PIDF's namespace by oversight of the publisher.
_NOTES: Final = frozenset(f"{{{namespace}}}note" for namespace in (DATA_MODEL, RPID, PIDF))
_TIMESTAMPS: Final = frozenset(f"{{{namespace}}}timestamp" for namespace in (DATA_MODEL, RPID, PIDF))
_KNOWN: Final = frozenset({"id"})


@dataclass(slots=True, unsafe_hash=True, init=False)
class Person:
    """One occurrence of the human user (RFC 4479 §3.3)."""

    id: str
    "xs:ID; empty when the publisher gave none."
    elements: tuple[Element, ...]
    notes: tuple[Note, ...]
    timestamp: datetime | None
    attributes: Attributes

    def __init__(
        self,
        id: str,
        elements: tuple[Element, ...] = (),
        notes: tuple[Note, ...] = (),
        timestamp: datetime | None = None,
        attributes: Attributes = (),
    ) -> None:
        self.id = id
        self.elements = elements
        self.notes = notes
        self.timestamp = timestamp
        self.attributes = attributes

    def xml(self) -> str:
        parts = [f'<dm:person id="{value_xml(self.id)}"{attributes_xml(self.attributes)}>']
        parts += [each.xml() for each in self.elements]
        parts += [note.xml("dm:note") for note in self.notes]
        if self.timestamp is not None:
            parts.append(f"<dm:timestamp>{time_xml(self.timestamp)}</dm:timestamp>")
        parts.append("</dm:person>")
        return "".join(parts)


@dataclass(slots=True, unsafe_hash=True)
class Device:
    """One occurrence of a device (RFC 4479 §3.4)."""

    id: str
    device_id: str | None = None
    "URN; None when the publisher gave none, against the schema."
    elements: tuple[Element, ...] = ()
    notes: tuple[Note, ...] = ()
    timestamp: datetime | None = None
    attributes: Attributes = ()

    def xml(self) -> str:
        parts = [f'<dm:device id="{value_xml(self.id)}"{attributes_xml(self.attributes)}>']
        parts += [each.xml() for each in self.elements]
        if self.device_id is not None:
            parts.append(f"<dm:deviceID>{text_xml(self.device_id)}</dm:deviceID>")
        parts += [note.xml("dm:note") for note in self.notes]
        if self.timestamp is not None:
            parts.append(f"<dm:timestamp>{time_xml(self.timestamp)}</dm:timestamp>")
        parts.append("</dm:device>")
        return "".join(parts)


def read_person(element: etree._Element) -> Person:
    elements: list[Element] = []
    notes: list[Note] = []
    timestamp: datetime | None = None
    for child in element:
        tag = child.tag
        if tag in _NOTES:
            notes.append(read_note(child))
        elif tag in _TIMESTAMPS:
            timestamp = timestamp or read_time(text_of(child))
        else:
            elements.append(read_element(child))
    attributes = other_attributes(element, _KNOWN)
    return Person(element.get("id", ""), tuple(elements), tuple(notes), timestamp, attributes)


def read_device(element: etree._Element) -> Device:
    elements: list[Element] = []
    notes: list[Note] = []
    timestamp: datetime | None = None
    urn: str | None = None
    for child in element:
        tag = child.tag
        if tag == device_id.TAG and urn is None:
            urn = token_of(child) or None
        elif tag in _NOTES:
            notes.append(read_note(child))
        elif tag in _TIMESTAMPS:
            timestamp = timestamp or read_time(text_of(child))
        else:
            elements.append(read_element(child))
    attributes = other_attributes(element, _KNOWN)
    return Device(element.get("id", ""), urn, tuple(elements), tuple(notes), timestamp, attributes)
