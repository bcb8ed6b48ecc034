"""Composition: one presence document from all that is published about a presentity. Pure.

No RFC prescribes how (RFC 3903 §10.3 leaves it to local policy); this is the policy, in the order in which
it is applied:

1. Of each publication, what holds now (composition_time).
2. Devices, tuples and persons of several publications that are the same become one (composition_merge).
   Where they differ, the greater (source rank, timestamp, time of publication) is right; what one does not
   mention, another may add; unknown elements are all kept.
3. A service that only runs on devices known to be off is closed (RFC 4479 §3.4).
4. Ids are kept while they are unique and valid (composition_ids).
5. Canonical order, so that the same state always gives the same bytes.
6. Without any publication the presentity is shown unreachable under its own address.

Rank: what a person says of themselves by hand outranks their devices, these outrank dialogs, calendar,
registrations and hard state; the numbers are the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from agent.documents.data_model import Device, Person
from agent.documents.device_id import urn_key
from agent.documents.foreign import Foreign
from agent.documents.lamplighter import Reach
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.values import Note
from agent.documents.xml import Attributes
from agent.presence.composition_ids import keeps_ids, with_ids
from agent.presence.composition_merge import (
    Part,
    device_keys,
    merge_devices,
    merge_persons,
    merge_tuples,
    strength,
)
from agent.presence.composition_time import Horizon, current
from agent.presence.simple_view import simple_view

__all__ = [
    "DEFAULT",
    "Composition",
    "Input",
    "Mode",
    "Policy",
    "compose",
    "normalise",
    "simple_view",
    "unavailable",
]


class Mode(StrEnum):
    MERGE = "merge"
    KEEP_ALL = "keep-all"
    "Every occurrence is passed on, for watchers that disambiguate themselves (RFC 4479 §3.5)."
    NEWEST = "newest-publication"
    "The newest publication alone."


@dataclass(slots=True)
class Policy:
    mode: Mode = Mode.MERGE
    empty_when_unpublished: bool = False
    "Without any publication: a document without tuples instead of a closed one."


DEFAULT: Final = Policy()


@dataclass(slots=True, init=False)
class Input:
    """One live publication, hard state, or internal source."""

    publication_id: str
    """Unique, and the same for the whole chain of entity-tags: modified or refreshed is still this one.
    Ids that grow with age keep the ids of merged components the most stable."""
    document: Presence
    source_rank: int
    published_at: datetime
    lineage: str | None
    """The client behind it, as far as the server knows. A newer publication of the same client replaces an
    older one that has merely not expired yet (RFC 3903 §5: a fresh start after 412)."""
    keeps_time: bool
    """It is published anew at each moment that its timed statuses name: they only announce, and nothing changes here
    by the clock. Turning them into status as well would tell each watcher twice."""

    def __init__(
        self,
        publication_id: str,
        document: Presence,
        source_rank: int,
        published_at: datetime,
        lineage: str | None = None,
        keeps_time: bool = False,
    ) -> None:
        self.publication_id = publication_id
        self.document = document
        self.source_rank = source_rank
        self.published_at = published_at
        self.lineage = lineage
        self.keeps_time = keeps_time


@dataclass(slots=True, init=False)
class Composition:
    document: Presence
    next_boundary: datetime | None
    "When the same inputs compose to something else because time passed; None: never."

    def __init__(
        self,
        document: Presence,
        next_boundary: datetime | None,
    ) -> None:
        self.document = document
        self.next_boundary = next_boundary


def compose(entity: str, inputs: Sequence[Input], now: datetime, policy: Policy = DEFAULT) -> Composition:
    """One document about `entity`. The order of `inputs` does not matter."""
    live = _living(inputs, policy)
    if not live:
        return Composition(_unpublished(entity, policy), None)
    horizon = Horizon(now)
    if len(live) == 1:
        alone = current(live[0].document, horizon, live[0].published_at, live[0].keeps_time)
        if keeps_ids(alone.tuples, alone.persons, alone.devices):
            # Nothing to merge and nothing to rename, as with most people: the long way would arrange the same.
            return Composition(_arranged_alone(entity, alone), horizon.boundary)
    notes: dict[Note, None] = {}
    extensions: dict[Foreign, None] = {}
    attributes: dict[str, str] = {}
    tuples: list[Part[Tuple]] = []
    persons: list[Part[Person]] = []
    devices: list[Part[Device]] = []
    for each in live:
        name, rank, at = each.publication_id, each.source_rank, each.published_at
        document = current(each.document, horizon, at, each.keeps_time)
        own = frozenset((name,))
        for number, service in enumerate(document.tuples):
            power = strength(rank, service.timestamp, at, name)
            tuples.append(Part(service, power, (name, number), own))
        for number, person in enumerate(document.persons):
            power = strength(rank, person.timestamp, at, name)
            persons.append(Part(person, power, (name, number), own))
        for number, device in enumerate(document.devices):
            power = strength(rank, device.timestamp, at, name)
            devices.append(Part(device, power, (name, number), own))
        notes |= dict.fromkeys(document.notes)
        extensions |= dict.fromkeys(document.extensions)
        attributes = {**dict(document.attributes), **attributes}
    if policy.mode is Mode.MERGE:
        tuples, persons, devices = merge_tuples(tuples), merge_persons(persons), merge_devices(devices)
    named = with_ids(tuples, persons, devices)
    document = _arranged(entity, *named, tuple(notes), tuple(extensions), tuple(sorted(attributes.items())))
    return Composition(document, horizon.boundary)


def _arranged_alone(entity: str, document: Presence) -> Presence:
    return _arranged(
        entity,
        list(document.tuples),
        list(document.persons),
        list(document.devices),
        document.notes,
        document.extensions,
        tuple(sorted(dict(document.attributes).items())) if document.attributes else (),
    )


def normalise(document: Presence, now: datetime) -> Presence:
    """What composition makes of a document that stands alone."""
    alone = Input("", document, 0, now)
    return compose(document.entity, [alone], now).document


def unavailable(entity: str) -> Presence:
    """A valid document that says no more than: not reachable. Also what a politely blocked watcher is told."""
    return Presence(entity, (Tuple("unavailable", Status("closed"), (), Contact(entity)),))


def _unpublished(entity: str, policy: Policy) -> Presence:
    return Presence(entity) if policy.empty_when_unpublished else unavailable(entity)


def _living(inputs: Sequence[Input], policy: Policy) -> list[Input]:
    """The inputs that count, the strongest first."""
    if len(inputs) < 2:
        return list(inputs)
    newest_first = sorted(
        inputs, key=lambda each: (each.published_at, each.source_rank, each.publication_id), reverse=True
    )
    if policy.mode is Mode.NEWEST:
        return newest_first[:1]
    lineages: set[str] = set()
    live: list[Input] = []
    for each in newest_first:
        if each.lineage is None or each.lineage not in lineages:
            live.append(each)
        if each.lineage is not None:
            lineages.add(each.lineage)
    return sorted(
        live, key=lambda each: (each.source_rank, each.published_at, each.publication_id), reverse=True
    )


def _arranged(
    entity: str,
    tuples: list[Tuple],
    persons: list[Person],
    devices: list[Device],
    notes: tuple[Note, ...],
    extensions: tuple[Foreign, ...],
    attributes: Attributes,
) -> Presence:
    off = frozenset(
        urn_key(device.device_id)
        for device in devices
        if device.device_id and Reach(False) in device.elements
    )
    if off:
        tuples = [_closed_when_off(each, off) for each in tuples]
    return Presence(
        entity,
        tuple(sorted(tuples, key=_tuple_place)),
        notes,
        tuple(sorted(persons, key=lambda person: person.id)),
        tuple(sorted(devices, key=lambda device: device.id)),
        tuple(sorted(extensions, key=lambda each: (each.kind, each.markup))),
        attributes,
    )


def _closed_when_off(service: Tuple, off: frozenset[str]) -> Tuple:
    runs_on = device_keys(service)
    if not runs_on or not runs_on <= off or service.status.basic == "closed":
        return service
    return Tuple(
        service.id,
        Status("closed", service.status.elements),
        service.elements,
        service.contact,
        service.notes,
        service.timestamp,
        service.attributes,
    )


_BASIC_PLACE: Final = {"open": 0, "closed": 1, None: 2}


def _tuple_place(service: Tuple) -> tuple[int, float, str]:
    """Open ones first, then by priority, then by id."""
    priority = service.contact.priority if service.contact is not None else None
    return (_BASIC_PLACE.get(service.status.basic, 2), -(priority or 0.0), service.id)
