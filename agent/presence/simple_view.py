"""A document cut down to what simple phones understand: one tuple, one note, and why. Pure."""

from datetime import datetime

from agent.documents.data_model import Person
from agent.documents.lamplighter import Lamp
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import Activities
from agent.documents.values import Element, Note
from agent.presence.composition_time import Horizon, current


def simple_view(document: Presence, now: datetime) -> Presence:
    """One tuple with basic status, contact and note; of the persons one with activities and lamp.

    The tuple is the best one (open before closed, then by priority). The note is what the person says,
    else what the service says, else the activities in plain words. A document in which no tuple claims a
    basic status stays without: unknown is not closed.
    """
    document = current(document, Horizon(now), now)
    best = min(document.tuples, key=_place, default=None)
    told = [each for person in document.persons for each in person.elements if _tells(each)]
    activities = [each for each in told if isinstance(each, Activities)]
    lamp = [each for each in told if isinstance(each, Lamp)]
    note = _note(document, best, activities)
    notes = () if note is None else (note,)
    kept: tuple[Element, ...] = (*activities[:1], *lamp[:1])
    persons = (Person(document.persons[0].id, kept, notes),) if kept else ()
    if best is None:
        service = Tuple("simple", Status(None), (), Contact(document.entity), notes)
    else:
        contact = best.contact or Contact(document.entity)
        service = Tuple(best.id or "simple", Status(best.status.basic), (), contact, notes, best.timestamp)
    return Presence(document.entity, (service,), (), persons)


def _tells(element: Element) -> bool:
    return isinstance(element, Activities | Lamp)


def _place(service: Tuple) -> tuple[int, float, str]:
    order = {"open": 0, "closed": 1}.get(service.status.basic or "", 2)
    priority = service.contact.priority if service.contact is not None else None
    return (order, -(priority or 0.0), service.id)


def _note(document: Presence, best: Tuple | None, activities: list[Activities]) -> Note | None:
    candidates = [note for each in activities for note in each.notes]
    candidates += [note for person in document.persons for note in person.notes]
    candidates += best.notes if best is not None else ()
    candidates += document.notes
    if candidates:
        return candidates[0]
    words = [value.replace("-", " ") for each in activities for value in each.values]
    words += [each.other.text for each in activities if each.other is not None]
    return Note(", ".join(words).capitalize(), "en") if words else None
