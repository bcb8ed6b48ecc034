"""Composition, second step: components of several publications that speak of the same thing become one. Pure.

Devices are the same by their URN, tuples by contact, class and capabilities when they do not contradict
each other, persons by class. A component says nothing where it has no element: absent never overrides
present. Elements that we do not know are united, so none is lost.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

from agent.documents.data_model import Device, Person
from agent.documents.device_id import DeviceID, urn_key
from agent.documents.foreign import Foreign
from agent.documents.lamplighter import Lamp
from agent.documents.pidf import Contact, Status, Tuple
from agent.documents.rpid import Activities, Class, UserInput
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Element, Note
from agent.documents.xml import Attributes
from agent.presence.composition_time import distinct_notes, tidy

Component = TypeVar("Component", Tuple, Person, Device)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

Strength = tuple[int, datetime, datetime, str]
"(source rank, timestamp, published at, publication id): the greater one is believed."


class Part(Generic[Component]):
    """One component and where it comes from. Not to be changed."""

    __slots__ = ("component", "origin", "publications", "strength")

    def __init__(
        self, component: Component, strength: Strength, origin: tuple[str, int], publications: frozenset[str]
    ) -> None:
        """``origin``: (publication id, position in it) of the contributor that gives the id. The smallest, because it
        does not move when a publication is modified or refreshed."""
        self.component: Component = component
        self.strength = strength
        self.origin = origin
        self.publications = publications


def strength(rank: int, timestamp: datetime | None, published_at: datetime, publication: str) -> Strength:
    return (rank, timestamp or _NEVER, published_at, publication)


def strongest_first(parts: Iterable[Part[Component]]) -> list[Part[Component]]:
    return sorted(parts, key=lambda part: part.strength, reverse=True)


def merge_persons(parts: Sequence[Part[Person]]) -> list[Part[Person]]:
    """One person for each class (policies select by class, RFC 5025 §3.3.1.3), usually one in all."""
    return [_merge_person(group) for group in _groups(parts, lambda person: class_of(person.elements))]


def merge_devices(parts: Sequence[Part[Device]]) -> list[Part[Device]]:
    """One device for each URN; those without one stay apart."""
    named = [part for part in parts if part.component.device_id]
    unnamed = [part for part in parts if not part.component.device_id]
    merged = [_merge_device(group) for group in _groups(named, lambda each: urn_key(each.device_id or ""))]
    return merged + unnamed


def merge_tuples(parts: Sequence[Part[Tuple]]) -> list[Part[Tuple]]:
    """Tuples for the same service that do not contradict each other become one; others stay.

    When tuples of different publications contradict each other but name the same devices, the newest is
    right. Tuples of one publication stay apart: their publisher meant them so (RFC 3903 §10.4).
    """
    reachable = [part for part in parts if part.component.contact is not None]
    merged = [part for part in parts if part.component.contact is None]
    for group in _groups(reachable, _service):
        if len(group) == 1:
            merged += group
            continue
        same_device: list[Part[Tuple]] = []
        for crowd in _groups(group, lambda each: device_keys(each) or None):
            newest_first = sorted(crowd, key=lambda part: part.strength[1:], reverse=True)
            by_device = bool(device_keys(crowd[0].component))
            same_device += _fold(newest_first, even_if_contradicting=by_device)
        merged += _fold(strongest_first(same_device), even_if_contradicting=False)
    return merged


def _groups(
    parts: Sequence[Part[Component]], key: Callable[[Component], Hashable]
) -> list[list[Part[Component]]]:
    """Parts with equal keys, each group with the strongest first."""
    if len(parts) < 2:
        return [list(parts)] if parts else []
    groups: dict[Hashable, list[Part[Component]]] = {}
    for part in strongest_first(parts):
        groups.setdefault(key(part.component), []).append(part)
    return list(groups.values())


def _fold(parts: Sequence[Part[Tuple]], even_if_contradicting: bool) -> list[Part[Tuple]]:
    """Put each part into the first one before it that it can join."""
    folded: list[Part[Tuple]] = []
    for part in parts:
        for number, host in enumerate(folded):
            if host.publications.isdisjoint(part.publications) and (
                even_if_contradicting or not _contradict(host.component, part.component)
            ):
                folded[number] = _merge_tuple(host, part)
                break
        else:
            folded.append(part)
    return folded


def _merge_tuple(first: Part[Tuple], second: Part[Tuple]) -> Part[Tuple]:
    """`first` is right where they differ."""
    one, two = first.component, second.component
    oldest = min((first, second), key=lambda part: part.origin)
    contact = oldest.component.contact
    if contact is not None:
        priorities = [
            each.contact.priority for each in (one, two) if each.contact and each.contact.priority is not None
        ]
        contact = Contact(contact.uri, max(priorities, default=None))
    merged = Tuple(
        oldest.component.id,
        Status(one.status.basic or two.status.basic, _united(one.status.elements, two.status.elements)),
        _united(one.elements, two.elements),
        contact,
        distinct_notes(one.notes + two.notes),
        _newest(one.timestamp, two.timestamp),
        _attributes((one.attributes, two.attributes)),
    )
    return _part(merged, (first, second))


def _contradict(one: Tuple, two: Tuple) -> bool:
    basics = {one.status.basic, two.status.basic} - {None}
    if len(basics) > 1:
        return True
    return _differ(one.elements, two.elements) or _differ(one.status.elements, two.status.elements)


def _differ(one: Sequence[Element], two: Sequence[Element]) -> bool:
    """Whether both say something of one kind, and not the same."""
    said: dict[str, set[Element]] = {}
    for each in one:
        if not _adds_up(each):
            said.setdefault(each.group, set()).add(each)
    other: dict[str, set[Element]] = {}
    for each in two:
        if not _adds_up(each):
            other.setdefault(each.group, set()).add(each)
    return any(group in other and other[group] != elements for group, elements in said.items())


def _adds_up(element: Element) -> bool:
    """Several of these are no contradiction; of user-inputs the most recent counts."""
    return isinstance(element, Foreign | DeviceID | TimedStatus | UserInput)


def _united(one: Sequence[Element], two: Sequence[Element]) -> tuple[Element, ...]:
    if not one or not two:
        return tuple(one or two)
    winners = _winning([one, two])
    return tidy(winners)


def _winning(sources: Sequence[Sequence[Element]]) -> list[Element]:
    """Of each group the elements of the first source that has any; everything of what adds up.

    Of what the person does, the first source that knows of something: that somebody is available, or that nothing is
    known, must not hide from watchers that another source sees them on the phone.
    """
    taken: dict[str, int] = {}
    doing = next((number for number, elements in enumerate(sources) if says_doing(elements)), None)
    if doing is not None:
        taken["activities"] = doing
    winners: list[Element] = []
    inputs: list[UserInput] = []
    for number, elements in enumerate(sources):
        for each in elements:
            if isinstance(each, UserInput):
                inputs.append(each)
            elif _adds_up(each) or taken.setdefault(each.group, number) == number:
                winners.append(each)
    if inputs:
        # RFC 4480 §3.14: the most recent input counts, and active beats idle.
        winners.append(max(inputs, key=lambda each: (each.active, each.last_input or _NEVER)))
    return winners


def says_doing(elements: Iterable[Element]) -> bool:
    """Whether they say what the person does, or that their lamp is on."""
    return any(
        (isinstance(each, Activities) and (set(each.values) - {"unknown"} or each.other or each.foreign))
        or (isinstance(each, Lamp) and each.shows != "dark")
        for each in elements
    )


def _merge_person(group: list[Part[Person]]) -> Part[Person]:
    if len(group) == 1:
        return group[0]
    persons = [part.component for part in group]
    doing = [each for each in persons if says_doing(each.elements)]
    oldest = min(group, key=lambda part: part.origin).component
    notes = distinct_notes(_notes([*doing[:1], *persons]))
    merged = Person(
        oldest.id,
        tidy(_winning([each.elements for each in persons])),
        notes,
        _newest(*(each.timestamp for each in persons)),
        _attributes(each.attributes for each in persons),
    )
    return _part(merged, group)


def _merge_device(group: list[Part[Device]]) -> Part[Device]:
    if len(group) == 1:
        return group[0]
    devices = [part.component for part in group]
    oldest = min(group, key=lambda part: part.origin).component
    merged = Device(
        oldest.id,
        oldest.device_id,
        tidy(_winning([each.elements for each in devices])),
        distinct_notes(_notes(devices)),
        _newest(*(each.timestamp for each in devices)),
        _attributes(each.attributes for each in devices),
    )
    return _part(merged, group)


def _part(component: Component, contributors: Sequence[Part[Component]]) -> Part[Component]:
    return Part(
        component,
        max(part.strength for part in contributors),
        min(part.origin for part in contributors),
        frozenset[str]().union(*(part.publications for part in contributors)),
    )


def _notes(components: Iterable[Person | Device]) -> tuple[Note, ...]:
    return tuple(note for each in components for note in each.notes)


def _newest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _attributes(sources: Iterable[Attributes]) -> Attributes:
    united: dict[str, str] = {}
    for attributes in sources:
        for name, value in attributes:
            united.setdefault(name, value)
    return tuple(sorted(united.items()))


def class_of(elements: Iterable[Element]) -> str | None:
    return next((each.token for each in elements if isinstance(each, Class)), None)


def device_keys(source: Tuple) -> frozenset[str]:
    """The devices that a tuple runs on."""
    return frozenset(urn_key(each.urn) for each in source.elements if isinstance(each, DeviceID))


def _service(source: Tuple) -> Hashable:
    capabilities = tuple(each for each in source.elements if each.kind == "servcaps")
    uri = source.contact.uri if source.contact is not None else ""
    return (service_key(uri), class_of(source.elements), capabilities)


@lru_cache(maxsize=4096)
def service_key(uri: str) -> str:
    """Equal for equivalent SIP URIs (RFC 3261 §19.1.4), parameters in any order; other URIs as they are.

    All parameters count: two contacts that differ in one may be two services.
    """
    scheme, colon, rest = uri.strip().partition(":")
    if not colon or scheme.lower() not in ("sip", "sips"):
        return uri.strip()
    rest = rest.partition("?")[0]
    user, at, host_and_parameters = rest.rpartition("@")
    host, *parameters = host_and_parameters.split(";")
    settings = sorted(unquote(each).lower() for each in parameters if each)
    return ";".join([f"{scheme.lower()}:{unquote(user)}{at}{host.lower()}", *settings])
