"""PIDF, the presence document itself (RFC 3863), with the presence data model in it (RFC 4479).

Reading takes what real clients send, valid or not; writing gives a valid document with PIDF's namespace
unprefixed and children in the schema's order, and the same value always gives the same bytes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from lxml import etree

from agent.documents import rpid
from agent.documents.data_model import DEVICE, PERSON, Device, Person, read_device, read_person
from agent.documents.elements import read_element
from agent.documents.errors import DocumentError
from agent.documents.foreign import Foreign, keep
from agent.documents.namespaces import DATA_MODEL, PIDF, RPID, declarations
from agent.documents.values import Element, Note, read_note, read_time, time_xml
from agent.documents.xml import (
    DECLARATION,
    Attributes,
    attributes_xml,
    other_attributes,
    parse_xml,
    text_of,
    text_xml,
    token_of,
    value_xml,
)

CONTENT_TYPE: Final = "application/pidf+xml"
"""COMPAT(baresip 1.0.0): answers 415 to any parameter after it."""

MAX_CHILDREN: Final = 1000
"Below the root. Composition compares every tuple with every other; no presentity has so many."

# COMPAT(RFC 3863 §4.1.1): the prose prints the namespace with a colon at its end; some took it from there.
_LOCAL: Final = {
    f"{{{namespace}}}{name}": name
    for namespace in (PIDF, f"{PIDF}:")
    for name in ("presence", "tuple", "status", "basic", "contact", "note", "timestamp")
}
# COMPAT(several): children of a tuple that were put in the namespace of a neighbour.
_LOCAL_IN_TUPLE: Final = {
    **_LOCAL,
    **{f"{{{ns}}}{name}": name for ns in (DATA_MODEL, RPID) for name in ("note", "timestamp")},
}
_ENTITY: Final = frozenset({"entity"})
_ID: Final = frozenset({"id"})


@dataclass(slots=True, unsafe_hash=True, init=False)
class Status:
    basic: str | None
    "`open`, `closed`, or None: nothing claimed."
    elements: tuple[Element, ...]

    def __init__(
        self,
        basic: str | None = None,
        elements: tuple[Element, ...] = (),
    ) -> None:
        self.basic = basic
        self.elements = elements


_NOTHING_CLAIMED: Final = Status()


@dataclass(slots=True, unsafe_hash=True, init=False)
class Contact:
    """Where the service is reached. `priority` 0 … 1 with at most three decimals; None ranks lowest."""

    uri: str
    priority: float | None

    def __init__(
        self,
        uri: str,
        priority: float | None = None,
    ) -> None:
        self.uri = uri
        self.priority = priority


@dataclass(slots=True, unsafe_hash=True, init=False)
class Tuple:
    """One service (RFC 4479 §3.2)."""

    id: str
    "xs:ID; empty when the publisher gave none."
    status: Status
    elements: tuple[Element, ...]
    contact: Contact | None
    notes: tuple[Note, ...]
    timestamp: datetime | None
    attributes: Attributes

    def __init__(
        self,
        id: str,
        status: Status = _NOTHING_CLAIMED,
        elements: tuple[Element, ...] = (),
        contact: Contact | None = None,
        notes: tuple[Note, ...] = (),
        timestamp: datetime | None = None,
        attributes: Attributes = (),
    ) -> None:
        self.id = id
        self.status = status
        self.elements = elements
        self.contact = contact
        self.notes = notes
        self.timestamp = timestamp
        self.attributes = attributes

    def xml(self) -> str:
        parts = [f'<tuple id="{value_xml(self.id)}"{attributes_xml(self.attributes)}>']
        basic = "" if self.status.basic is None else f"<basic>{self.status.basic}</basic>"
        inside = basic + "".join([each.xml() for each in self.status.elements])
        parts.append(f"<status>{inside}</status>" if inside else "<status/>")
        parts += [each.xml() for each in self.elements]
        if self.contact is not None:
            priority = _priority_xml(self.contact.priority)
            parts.append(f"<contact{priority}>{text_xml(self.contact.uri)}</contact>")
        parts += [note.xml() for note in self.notes]
        if self.timestamp is not None:
            parts.append(f"<timestamp>{time_xml(self.timestamp)}</timestamp>")
        parts.append("</tuple>")
        return "".join(parts)


@dataclass(slots=True, unsafe_hash=True, init=False)
class Presence:
    """A whole document."""

    entity: str
    "URI of the presentity as the publisher wrote it; empty when missing."
    tuples: tuple[Tuple, ...]
    notes: tuple[Note, ...]
    persons: tuple[Person, ...]
    devices: tuple[Device, ...]
    extensions: tuple[Foreign, ...]
    "Other children of the root."
    attributes: Attributes

    def __init__(
        self,
        entity: str,
        tuples: tuple[Tuple, ...] = (),
        notes: tuple[Note, ...] = (),
        persons: tuple[Person, ...] = (),
        devices: tuple[Device, ...] = (),
        extensions: tuple[Foreign, ...] = (),
        attributes: Attributes = (),
    ) -> None:
        self.entity = entity
        self.tuples = tuples
        self.notes = notes
        self.persons = persons
        self.devices = devices
        self.extensions = extensions
        self.attributes = attributes


def parse(data: bytes, charset: str | None = None) -> Presence:
    """Read a document, valid or not, and keep what is unknown. Raises `DocumentError` as `root_of` does."""
    return read(root_of(data, charset))


def root_of(data: bytes, charset: str | None = None) -> etree._Element:
    """The `presence` element of a document that `read` can read: all that has to be known before it is accepted.

    Raises `DocumentError` when it is not XML, when its root is not PIDF's `presence`, or when that has
    more than `MAX_CHILDREN` children.
    """
    root = parse_xml(data, charset)
    if _LOCAL.get(root.tag) != "presence":
        raise DocumentError(f"the root element is {root.tag}, expected {{{PIDF}}}presence")
    if len(root) > MAX_CHILDREN:
        raise DocumentError(f"the document has more than {MAX_CHILDREN} tuples, persons, devices and others")
    return root


def read(root: etree._Element) -> Presence:
    """What an element from `root_of` says. It can't fail: what makes no sense is kept as unknown or left out."""
    tuples: list[Tuple] = []
    notes: list[Note] = []
    persons: list[Person] = []
    devices: list[Device] = []
    extensions: list[Foreign] = []
    for child in root:
        tag = child.tag
        name = _LOCAL_IN_TUPLE.get(tag)
        if name == "tuple":
            tuples.append(_read_tuple(child))
        elif tag == PERSON:
            persons.append(read_person(child))
        elif tag == DEVICE:
            devices.append(read_device(child))
        elif name == "note":
            notes.append(read_note(child))
        else:
            extensions.append(keep(child))
    return Presence(
        root.get("entity", "").strip(),
        tuple(tuples),
        tuple(notes),
        tuple(persons),
        tuple(devices),
        tuple(extensions),
        other_attributes(root, _ENTITY),
    )


def _read_tuple(element: etree._Element) -> Tuple:
    basic: str | None = None
    inside: list[Element] = []
    elements: list[Element] = []
    contact: Contact | None = None
    notes: list[Note] = []
    timestamp: datetime | None = None
    for child in element:
        name = _LOCAL_IN_TUPLE.get(child.tag)
        if name is None:
            elements.append(read_element(child))
        elif name == "status":
            for part in child:
                if _LOCAL.get(part.tag) != "basic":
                    inside.append(read_element(part))
                elif basic is None and (word := token_of(part)) in ("open", "closed"):
                    basic = word
        elif name == "contact":
            if contact is None and (uri := token_of(child)):
                contact = Contact(uri, _read_priority(child.get("priority")))
        elif name == "note":
            notes.append(read_note(child))
        elif name == "timestamp":
            timestamp = timestamp or read_time(text_of(child))
        else:
            elements.append(keep(child))
    return Tuple(
        element.get("id", ""),
        Status(basic, tuple(inside)),
        tuple(elements),
        contact,
        tuple(notes),
        timestamp,
        other_attributes(element, _ID),
    )


def _read_priority(text: str | None) -> float | None:
    """RFC 3863 §4.1.5: what is no number from 0 to 1 counts as absent."""
    if text is None:
        return None
    try:
        value = round(float(text), 3)
    except (ValueError, OverflowError):
        return None
    return value if 0 <= value <= 1 else None


def _priority_xml(priority: float | None) -> str:
    if priority is None:
        return ""
    digits = f"{priority:.3f}".rstrip("0").rstrip(".")
    return f' priority="{digits}"'


def build(presence: Presence, *, strict: bool = False) -> bytes:
    """Write the document. `strict`: only words that the schemas have, for readers that validate."""
    if strict:
        presence = _strict(presence)
    parts = [each.xml() for each in presence.tuples]
    parts += [note.xml() for note in presence.notes]
    parts += [each.xml() for each in presence.persons]
    parts += [each.xml() for each in presence.devices]
    parts += [each.markup for each in presence.extensions]
    body = "".join(parts)
    attributes = attributes_xml(presence.attributes)
    head = f'<presence xmlns="{PIDF}"{declarations(body)} entity="{value_xml(presence.entity)}"{attributes}'
    return f"{DECLARATION}{head}>{body}</presence>".encode()


def _strict(presence: Presence) -> Presence:
    persons = tuple(
        replace(each, elements=tuple(map(rpid.strict, each.elements))) for each in presence.persons
    )
    return replace(presence, persons=persons)
