"""Decision -> PIDF: what the publisher says of a person. Pure.

The same Decision always gives the same bytes: ids come from names, and no moment of writing is in it.
Notes stand on the tuple, where simple clients look, and on the person, where RPID clients look.
"""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from agent.documents import foreign, pidf
from agent.documents.data_model import Device, Person
from agent.documents.lamplighter import Importance, Lamp, Reach, Until
from agent.documents.location_type import PLACE_TYPES
from agent.documents.namespaces import LAMPLIGHTER
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import Activities, Mood, PlaceType, Sphere, UserInput
from agent.documents.rpid_names import ACTIVITIES, MOODS, SPHERES
from agent.documents.time_offset import time_offsets
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Element, Note
from agent.documents.written import write
from agent.documents.xml import parse_xml
from rules import decision as rules


def presence_document(
    decision: rules.Decision,
    entity: str,
    contact: str | None,
    now: datetime,
    changed_at: datetime | None = None,
    time_zone: str | None = None,
) -> Presence:
    """The document that says what `decision` says.

    `contact`: where calls should go; None: the presentity's own address. `now` only decides which of the
    coming states still lie ahead. `changed_at`: when the decision last became another one; it is the
    timestamp of tuple and person (RFC 3863 §4.1.7: it moves only when the content does).

    A Decision without basic status is unknown. PIDF could leave `basic` out, but most clients then show
    the state that they showed before, or `available`; so the tuple is closed, which never invites a call
    in error, and unless the rules knew better the activity is RPID's `unknown`, which says why.
    """
    notes = tuple([Note(each.text, each.lang) for each in decision.notes])
    basic = "closed" if decision.basic is None else decision.basic.value
    coming = [each for each in decision.coming if each.start > now]
    place_in_time = time_offsets(time_zone, now) if time_zone is not None else ()
    name = _name(entity)
    tuple_elements: list[Element] = [_timed_status(each) for each in coming]
    return Presence(
        entity,
        (
            Tuple(
                f"t-{name}",
                Status(basic),
                tuple(tuple_elements),
                Contact(contact or entity),
                notes,
                changed_at,
            ),
        ),
        (),
        (Person(f"p-{name}", (*_person(decision), *place_in_time), notes, changed_at),),
        tuple([_device(each, entity) for each in {each.device: each for each in decision.devices}.values()]),
    )


def publish_body(
    decision: rules.Decision,
    entity: str,
    now: datetime,
    contact: str | None = None,
    changed_at: datetime | None = None,
    time_zone: str | None = None,
) -> bytes:
    """`presence_document` as the body of a PUBLISH, `application/pidf+xml`."""
    document = presence_document(decision, entity, contact, now, changed_at, time_zone)
    if time_zone is not None or not _is_canonical(decision) or not _is_plain((entity, contact or entity)):
        return pidf.build(document)
    if len(document.devices) > 1:
        # In the order that composition gives them.
        document = replace(document, devices=tuple(sorted(document.devices, key=lambda device: device.id)))
    coming = document.tuples[0].elements
    return write(document, coming[0].from_ if coming and isinstance(coming[0], TimedStatus) else None)


def _is_canonical(decision: rules.Decision) -> bool:
    """Whether its document is one that `Written` may be made of. No is never wrong: then it is read and composed."""
    texts = [note.text for note in decision.notes]
    texts += [note.lang for note in decision.notes if note.lang is not None]
    texts += [text for text in (decision.place, decision.mood_note, decision.importance) if text is not None]
    starts: list[datetime] = []
    for coming in decision.coming:
        starts.append(coming.start)
        texts += [text for note in coming.notes for text in (note.text, note.lang) if text is not None]
        texts += coming.activities
    texts += (*decision.activities, *decision.moods, *decision.place_types)
    return (
        _is_plain(texts)
        and not decision.extensions
        and (decision.sphere is None or decision.sphere in SPHERES)
        and len(set(decision.notes)) == len(decision.notes)
        # In the document they stand in the order of their texts.
        and all(start.microsecond == 0 for start in starts)
        and sorted(set(starts)) == starts
        and not any(each.device.lower().startswith("urn:") for each in decision.devices)
    )


def _is_plain(texts: Iterable[str]) -> bool:
    """Nothing that XML can't carry, and no white space that readers drop."""
    return all(text.isprintable() and text == text.strip() and text for text in texts)


def _person(decision: rules.Decision) -> Iterable[Element]:
    activities = decision.activities
    if not activities and decision.basic is None:
        activities = ("unknown",)
    if activities:
        known, other = _vocabulary(activities, ACTIVITIES)
        yield Activities(known, other)
    if decision.moods:
        known, other = _vocabulary(decision.moods, MOODS, decision.mood_note)
        yield Mood(known, other)
    if decision.place_types or decision.place is not None:
        yield _place(decision)
    if decision.sphere is not None:
        yield _sphere(decision.sphere)
    use = _overall_use(decision.devices)
    if use is not None:
        yield use
    yield Lamp(decision.lamp.value)
    if decision.importance is not None:
        yield Importance(decision.importance)
    if decision.until is not None:
        # Not RPID's `until`: composition must drop what has run out, and at the end of a meeting that
        # another one follows, the lamp would go out until the next PUBLISH arrives.
        yield Until(decision.until)
    for each in decision.extensions:
        yield _extension(each)


def _extension(extension: rules.Extension) -> foreign.Foreign:
    if extension.markup:
        return foreign.keep(parse_xml(extension.markup.encode())[0])
    return foreign.make(extension.namespace, extension.name, extension.text, extension.attributes)


def _vocabulary(
    names: tuple[str, ...], known: frozenset[str], other_text: str | None = None
) -> tuple[tuple[str, ...], Note | None]:
    """Words of the RFC, and the rest as the text of `other`; ``other_text``: what `other` itself stands for."""
    distinct = tuple(dict.fromkeys(names))
    others = [name for name in distinct if name not in known and name != "other"]
    has_other = bool(others) or "other" in distinct
    if other_text and "other" in distinct:
        others.append(other_text)
    return tuple([name for name in distinct if name in known]), Note(", ".join(others)) if has_other else None


def _place(decision: rules.Decision) -> PlaceType:
    """Words of RFC 4589, beside them the organisation's own; the schema has `other` only without words."""
    known, other = _vocabulary(decision.place_types, PLACE_TYPES)
    own = [text for text in (decision.place, other.text if other is not None else None) if text]
    if known:
        return PlaceType(known, None, tuple([Note(text) for text in own]))
    return PlaceType((), Note(", ".join(own)))


def _sphere(name: str) -> Sphere:
    """RFC 4480 §3.11 has `home`, `work` and `unknown`; the organisation's own go into an element of ours."""
    if name in SPHERES:
        return Sphere((name,))
    return Sphere((), None, (), (foreign.make(LAMPLIGHTER, "sphere", name),))


def _overall_use(devices: tuple[rules.DeviceUse, ...]) -> UserInput | None:
    """The person is active when any device is; idle since the last input of all; None: nothing known."""
    known = [each for each in devices if each.active is not None]
    if not known:
        return None
    if any(each.active for each in known):
        return UserInput(True)
    last = max((each.last_input for each in known if each.last_input is not None), default=None)
    return UserInput(False, None, last)


def _device(use: rules.DeviceUse, entity: str) -> Device:
    elements: list[Element] = []
    if use.active is not None:
        # While active the last input moves all the time; RFC 4480 §3.14 wants no update for that.
        elements.append(UserInput(use.active, None, None if use.active else use.last_input))
    if use.reachable is not None:
        elements.append(Reach(use.reachable))
    return Device(f"d-{_name(f'{entity}/{use.device}')}", _device_urn(use.device, entity), tuple(elements))


def _device_urn(device: str, entity: str) -> str:
    """The device's own URN, or one made from its name that is the same after every restart."""
    if device.lower().startswith("urn:"):
        return device
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{entity}/{device}')}"


def _timed_status(coming: rules.Coming) -> TimedStatus:
    elements: tuple[Element, ...]
    if coming.activities:
        known, other = _vocabulary(coming.activities, ACTIVITIES)
        elements = (Activities(known, other),)
    else:
        # RPID cannot say that no activity follows. A dark lamp does, so that composition, which lets the
        # coming state begin at its moment, does not go on with the activity of today's.
        elements = (Lamp(rules.Lamp.DARK.value),)
    notes = tuple([Note(each.text, each.lang) for each in coming.notes[:1]])
    return TimedStatus(coming.start, coming.end, coming.basic.value, notes, elements)


def _name(text: str) -> str:
    """For an xs:ID that is the same after every restart and unlikely to be used by another publisher."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
