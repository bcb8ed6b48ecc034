"""Composition, first step: what of one publication holds now, and when that changes next. Pure.

Elements carry ranges of time in three ways: `from`/`until` of RPID (RFC 4480 §3.1), timed-status
(RFC 4481 §3) and the retention-expiry of a location (RFC 4119 §2.2.2).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agent.documents.data_model import Device, Person
from agent.documents.foreign import Foreign
from agent.documents.geopriv import Geopriv
from agent.documents.pidf import Presence, Status, Tuple
from agent.documents.rpid import Activities, Choices, Mood, PlaceType, Privacy, Ranged
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Element, Note

_ORDER: Final = {
    kind: number
    for number, kind in enumerate(
        """deviceID class service-class relationship servcaps devcaps activities mood place-is place-type
        privacy sphere status-icon time-offset user-input display-name card homepage icon map sound
        lamp importance until reach geopriv timed-status""".split()  # noqa: SIM905
    )
}
_FOREIGN: Final = len(_ORDER)
_ONCE: Final = frozenset({"servcaps", "devcaps", "geopriv", "lamp", "importance", "until", "reach"})
"Kinds without range that a component has once, a location by RFC 5491 §3; the first counts."


@dataclass(slots=True, init=False)
class Horizon:
    """Collects the moments at which the answer changes."""

    now: datetime
    boundary: datetime | None
    "The earliest one after now."

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.boundary = None

    def holds(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether now is in `[start, end)`; the range's next edge is remembered."""
        if end is not None and (end <= self.now or (start is not None and end <= start)):
            return False
        if start is not None and start > self.now:
            self.at(start)
            return False
        if end is not None:
            self.at(end)
        return True

    def at(self, moment: datetime) -> None:
        if self.boundary is None or moment < self.boundary:
            self.boundary = moment


@dataclass(slots=True, init=False)
class _Begun:
    """What timed statuses that have come true say of the person."""

    elements: list[Element]
    notes: tuple[Note, ...]
    since: datetime | None

    def __init__(self) -> None:
        self.elements = []
        self.notes = ()
        self.since = None


def current(
    document: Presence, horizon: Horizon, published_at: datetime, keeps_time: bool = False
) -> Presence:
    """The document as it holds now, its elements in canonical order.

    A timed status that covers now becomes the status of its tuple, its notes those of the tuple; what it says of the
    person (activities and so on) is said of the person. Empty notes go. ``keeps_time``: see `composition.Input`.
    """
    begun = _Begun()
    tuples = tuple([_tuple(each, horizon, published_at, begun, keeps_time) for each in document.tuples])
    persons = [_person(each, horizon, published_at) for each in document.persons]
    if begun.elements:
        persons = _with_begun(persons or [Person("")], begun)
    return Presence(
        document.entity,
        tuples,
        distinct_notes(document.notes),
        tuple(persons),
        tuple([_device(each, horizon, published_at) for each in document.devices]),
        tuple(sorted(set(document.extensions), key=_place)) if document.extensions else (),
        document.attributes,
    )


def _with_begun(persons: list[Person], begun: _Begun) -> list[Person]:
    """What has begun takes the place of what was said of the same; with the activity goes its note."""
    groups = {each.group for each in begun.elements}
    changed: list[Person] = []
    for number, person in enumerate(persons):
        elements = [each for each in person.elements if each.group not in groups]
        notes = () if "activities" in groups else person.notes
        if number == 0:
            elements += begun.elements
            notes = distinct_notes(begun.notes + notes)
        timestamp = max((each for each in (person.timestamp, begun.since) if each), default=None)
        changed.append(Person(person.id, tidy(elements), notes, timestamp, person.attributes))
    return changed


def _person(person: Person, horizon: Horizon, published_at: datetime) -> Person:
    elements = _now(person.elements, horizon, person.timestamp or published_at)
    notes = distinct_notes(person.notes)
    return Person(person.id, tidy(elements), notes, person.timestamp, person.attributes)


def _device(device: Device, horizon: Horizon, published_at: datetime) -> Device:
    elements = tidy(_now(device.elements, horizon, device.timestamp or published_at))
    notes = distinct_notes(device.notes)
    return Device(device.id, device.device_id, elements, notes, device.timestamp, device.attributes)


def _tuple(source: Tuple, horizon: Horizon, published_at: datetime, begun: _Begun, keeps_time: bool) -> Tuple:
    taken_at = source.timestamp or published_at
    elements = _now(source.elements, horizon, taken_at)
    inside = tidy(_now(source.status.elements, horizon, taken_at))
    notes = distinct_notes(source.notes)
    basic = source.status.basic
    timestamp = source.timestamp
    timed = [each for each in elements if isinstance(each, TimedStatus)]
    if timed and keeps_time:
        # What begins will be published when it begins; until then it is only announced.
        elements = [
            each for each in elements if not isinstance(each, TimedStatus) or each.from_ > horizon.now
        ]
    elif timed:
        elements = [each for each in elements if not isinstance(each, TimedStatus)]
        for each in sorted(timed, key=lambda timed: (timed.from_, timed.xml())):
            if not horizon.holds(each.from_, each.until):
                if each.from_ > horizon.now and (each.until is None or each.until > each.from_):
                    elements.append(each)
                continue
            basic = each.basic or basic
            notes = distinct_notes(each.notes)  # what was said of the former status is over with it
            begun_elements = _now(each.elements, horizon, each.from_)
            elements += [inner for inner in begun_elements if isinstance(inner, Foreign)]
            of_person = [inner for inner in begun_elements if not isinstance(inner, Foreign)]
            if of_person:
                kinds = {inner.group for inner in of_person}
                begun.elements = [old for old in begun.elements if old.group not in kinds] + of_person
                begun.notes = each.notes
                begun.since = max(begun.since or each.from_, each.from_)
            timestamp = max(timestamp or each.from_, each.from_)
    return Tuple(
        source.id, Status(basic, inside), tidy(elements), source.contact, notes, timestamp, source.attributes
    )


def _now(elements: tuple[Element, ...], horizon: Horizon, taken_at: datetime) -> list[Element]:
    """Those whose range covers now. Timed statuses stay: they are the tuple's affair."""
    kept: list[Element] = []
    for each in elements:
        if isinstance(each, Ranged):
            if (each.from_ is None and each.until is None) or horizon.holds(each.from_, each.until):
                kept.append(each)
        elif isinstance(each, Geopriv):
            # The moment is written down, for composition may give the component a newer timestamp.
            expiry = each.discard_at(taken_at)
            if horizon.holds(None, expiry):
                kept.append(each if each.retention_expiry else replace(each, retention_expiry=expiry))
        else:
            kept.append(each)
    return kept


def distinct_notes(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Without empty and repeated ones, in order."""
    if not notes:
        return ()
    return tuple(dict.fromkeys(note for note in notes if note.text and not note.text.isspace()))


def tidy(elements: list[Element]) -> tuple[Element, ...]:
    """Without repeated ones, in canonical order, and each kind without range at most once (RFC 4480 §3.1)."""
    if len(elements) < 2:
        return tuple(elements)
    kept: dict[Element, None] = {}
    single: dict[str, Element] = {}
    for each in elements:
        if each.kind in _ONCE:
            single.setdefault(each.kind, each)
        elif not isinstance(each, Ranged) or each.from_ is not None or each.until is not None:
            kept[each] = None
        elif each.kind not in single:
            single[each.kind] = each
        else:
            first = single[each.kind]
            if isinstance(first, Choices) and isinstance(each, Choices):
                single[each.kind] = _united(first, each)
    return tuple(sorted([*kept, *single.values()], key=_place))


def _united(first: Choices, second: Choices) -> Choices:
    """Both in one, as far as the schema has room for more than one choice; else the first."""
    if not isinstance(first, Activities | Mood | PlaceType | Privacy):
        return first
    values = dict.fromkeys(first.values + second.values)
    if len(values) > 1:
        values.pop("unknown", None)
    other = first.other or second.other
    notes = dict.fromkeys(first.notes + second.notes)
    if isinstance(first, PlaceType) and values and other is not None:
        notes[other], other = None, None
    foreign = dict.fromkeys(first.foreign + second.foreign)
    united = (
        tuple(sorted(values)) if isinstance(first, Privacy) else tuple(values)
    )  # in the schema's order there
    return replace(first, values=united, other=other, notes=tuple(notes), foreign=tuple(foreign))


def _place(element: Element) -> tuple[int, str, str]:
    """Sort key: known kinds in the order of their formats, then foreign ones by namespace and name."""
    if isinstance(element, Foreign):
        return (_FOREIGN, element.kind, element.markup)
    number = _ORDER[element.kind]
    # Several of one kind only ever stand together with ranges or as timed statuses, device ids.
    return (number, "", element.xml() if _repeats(element) else "")


def _repeats(element: Element) -> bool:
    if isinstance(element, Ranged):
        return element.from_ is not None or element.until is not None
    return element.kind in ("deviceID", "timed-status", "display-name")
