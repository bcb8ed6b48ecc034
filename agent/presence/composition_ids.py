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
from agent.documents.xml import ncname
from agent.presence.composition_merge import Component, Part


def with_ids(
    tuples: Sequence[Part[Tuple]], persons: Sequence[Part[Person]], devices: Sequence[Part[Device]]
) -> tuple[list[Tuple], list[Person], list[Device]]:
    """The components with their final ids, in no particular order."""
    used: set[str] = set()
    named_tuples = [
        Tuple(
            _claim(part.component.id, "t", part.origin, used),
            part.component.status,
            part.component.elements,
            part.component.contact,
            part.component.notes,
            part.component.timestamp,
            part.component.attributes,
        )
        for part in _oldest_first(tuples)
    ]
    named_persons = [
        Person(
            _claim(part.component.id, "p", part.origin, used),
            part.component.elements,
            part.component.notes,
            part.component.timestamp,
            part.component.attributes,
        )
        for part in _oldest_first(persons)
    ]
    named_devices = [
        Device(
            _claim(part.component.id, "d", part.origin, used),
            part.component.device_id,
            part.component.elements,
            part.component.notes,
            part.component.timestamp,
            part.component.attributes,
        )
        for part in _oldest_first(devices)
    ]
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


def _oldest_first(parts: Sequence[Part[Component]]) -> list[Part[Component]]:
    return sorted(parts, key=lambda part: part.origin)


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
