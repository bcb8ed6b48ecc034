"""Composition, third step: ids that are valid, unique in the document, and stay what they were. Pure.

Watchers' policies and diffs point at ids (RFC 4479 §3.5), so a published id is kept whenever it is free;
what must change gets a suffix derived from the publication's own id, never from chance or order of arrival.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from agent.documents.data_model import Device, Person
from agent.documents.pidf import Status, Tuple
from agent.documents.rpid import Ranged
from agent.documents.values import Element
from agent.documents.xml import is_ncname, ncname
from agent.presence.composition_merge import Component, Part


def with_ids(
    tuples: Sequence[Part[Tuple]], persons: Sequence[Part[Person]], devices: Sequence[Part[Device]]
) -> tuple[list[Tuple], list[Person], list[Device]]:
    """The components with their final ids, in no particular order."""
    used: set[str] = set()
    named_tuples = [_named(part, "t", used) for part in _oldest_first(tuples)]
    named_persons = [_named(part, "p", used) for part in _oldest_first(persons)]
    named_devices = [_named(part, "d", used) for part in _oldest_first(devices)]
    for number, service in enumerate(named_tuples):
        if _has_inner_ids(service.elements) or _has_inner_ids(service.status.elements):
            status = Status(service.status.basic, _inner(service.status.elements, service.id, used))
            elements = _inner(service.elements, service.id, used)
            named_tuples[number] = replace(service, status=status, elements=elements)
    for number, person in enumerate(named_persons):
        if _has_inner_ids(person.elements):
            named_persons[number] = replace(person, elements=_inner(person.elements, person.id, used))
    for number, device in enumerate(named_devices):
        if _has_inner_ids(device.elements):
            named_devices[number] = replace(device, elements=_inner(device.elements, device.id, used))
    return named_tuples, named_persons, named_devices


def keeps_ids(tuples: Sequence[Tuple], persons: Sequence[Person], devices: Sequence[Device]) -> bool:
    """Whether `with_ids` would leave these of one publication as they are, and nothing in them is to be merged."""
    if len(persons) > 1 or len(devices) > 1:
        return False
    used: set[str] = set()
    for service in tuples:
        if not is_ncname(service.id) or service.id in used:
            return False
        if _has_inner_ids(service.elements) or _has_inner_ids(service.status.elements):
            return False
        used.add(service.id)
    for person in persons:
        if not is_ncname(person.id) or person.id in used or _has_inner_ids(person.elements):
            return False
        used.add(person.id)
    for device in devices:
        if not is_ncname(device.id) or device.id in used or _has_inner_ids(device.elements):
            return False
    return True


def _named(part: Part[Component], kind: str, used: set[str]) -> Component:
    component = part.component
    name = _claim(component.id, kind, part.origin, used)
    # Nearly always it keeps its own.
    return component if name == component.id else replace(component, id=name)


def _oldest_first(parts: Sequence[Part[Component]]) -> Sequence[Part[Component]]:
    return parts if len(parts) < 2 else sorted(parts, key=lambda part: part.origin)


def _has_inner_ids(elements: Sequence[Element]) -> bool:
    return any(isinstance(each, Ranged) and each.id is not None for each in elements)


def _inner(elements: Sequence[Element], owner: str, used: set[str]) -> tuple[Element, ...]:
    """The elements, those with an xs:ID of their own under a free one."""
    return tuple(
        replace(each, id=_claim(each.id, each.kind, (owner, 0), used))
        if isinstance(each, Ranged) and each.id is not None
        else each
        for each in elements
    )


def _claim(wanted: str, kind: str, origin: tuple[str, int], used: set[str]) -> str:
    publication, position = origin
    name = ncname(wanted) or f"{kind}-{_digest(f'{publication}/{position}')}"
    if name in used:
        stem = name
        name = f"{stem}-{_digest(publication)}"
        attempt = position
        while name in used:
            attempt += 1
            name = f"{stem}-{_digest(f'{publication}/{attempt}')}"
    used.add(name)
    return name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
