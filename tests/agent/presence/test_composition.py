"""The composition policy, point by point."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.documents import pidf
from agent.documents.cipid import ContactInfo
from agent.documents.data_model import Device, Person
from agent.documents.device_id import DeviceID
from agent.documents.foreign import make
from agent.documents.lamplighter import Lamp, Reach
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import (
    Activities,
    Class,
    Mood,
    PlaceType,
    Privacy,
    Relationship,
    Sphere,
    StatusIcon,
    UserInput,
)
from agent.documents.values import Note
from agent.presence.composition import DEFAULT, Input, Mode, Policy, compose, normalise, unavailable
from agent.presence.lamp import lamp_of

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALICE = "sip:alice@example.org"
DESK = "sip:alice@192.0.2.1"


def service(name="t1", basic="open", contact=DESK, elements=(), **more):
    where = None if contact is None else Contact(contact, more.pop("priority", None))
    return Tuple(name, Status(basic), tuple(elements), where, **more)


def document(*components, notes=(), extensions=()):
    return Presence(
        ALICE,
        tuple(each for each in components if isinstance(each, Tuple)),
        tuple(notes),
        tuple(each for each in components if isinstance(each, Person)),
        tuple(each for each in components if isinstance(each, Device)),
        tuple(extensions),
    )


def composed(*documents, policy=DEFAULT, now=NOW, ranks=None, ages=None):
    """Publications `a`, `b`, … of the given ranks (all 50) and ages (all a minute)."""
    inputs = [
        Input(
            chr(ord("a") + number),
            each,
            ranks[number] if ranks else 50,
            NOW - (ages[number] if ages else MINUTE),
        )
        for number, each in enumerate(documents)
    ]
    return compose(ALICE, inputs, now, policy).document


def doing(*activities, name="p", at=None, notes=(), more=()):
    return Person(name, (Activities(activities), *more), tuple(notes), at)


# Nothing published


def test_nobody_published_anything():
    result = compose(ALICE, [], NOW)
    assert result.document == unavailable(ALICE)
    assert result.next_boundary is None
    (only,) = result.document.tuples
    assert (only.status.basic, only.contact) == ("closed", Contact(ALICE))
    assert pidf.parse(pidf.build(result.document)) == result.document


def test_nothing_published_can_be_an_empty_document():
    assert compose(ALICE, [], NOW, Policy(empty_when_unpublished=True)).document == Presence(ALICE)


# Tuples


def test_the_entity_is_the_presentity_whatever_the_publisher_called_it():
    assert composed(Presence("pres:other@example.net", (service(),))).entity == ALICE


def test_equal_publications_give_one_tuple():
    assert composed(document(service()), document(service()), document(service())).tuples == (service(),)


def test_two_devices_that_chose_the_same_id_both_survive():
    other = service(contact="sip:alice@192.0.2.2")
    result = composed(document(service()), document(other))
    assert [each.contact.uri for each in result.tuples] == [DESK, "sip:alice@192.0.2.2"]
    first, second = (each.id for each in result.tuples)
    assert first == "t1"
    assert second.startswith("t1-")


def test_tuples_for_the_same_service_add_up():
    early, late = NOW - 5 * MINUTE, NOW - 2 * MINUTE
    one = service("t1", None, priority=0.5, timestamp=early, notes=(Note("desk"),))
    two = service(
        "t2", "open", "SIP:alice@192.0.2.1", [Relationship(("self",))], priority=0.8, timestamp=late
    )
    expected = service(
        "t1", "open", DESK, [Relationship(("self",))], priority=0.8, timestamp=late, notes=(Note("desk"),)
    )
    assert composed(document(one), document(two)).tuples == (expected,)


def test_tuples_that_contradict_each_other_both_stay_open_first():
    result = composed(document(service("a", "closed")), document(service("b", "open")))
    assert [(each.id, each.status.basic) for each in result.tuples] == [("b", "open"), ("a", "closed")]


def test_of_contradicting_tuples_of_one_device_the_newest_is_right():
    phone = DeviceID("urn:uuid:0D4BA6A0-0000-4000-8000-000000000001")
    same = DeviceID("urn:uuid:0d4ba6a0-0000-4000-8000-000000000001")
    old = service("a", "open", elements=[phone, make("urn:x", "kept")], timestamp=NOW - 9 * MINUTE)
    new = service("b", "closed", elements=[same], timestamp=NOW - MINUTE)
    (only,) = composed(document(old), document(new), ranks=[60, 50]).tuples
    assert only.status.basic == "closed"
    assert "{urn:x}kept" in [each.kind for each in only.elements], "what nobody understands is not decided on"


def test_a_client_that_started_afresh_replaces_what_it_left_behind():
    inputs = [
        Input("a", document(service("a", "open"), doing("busy")), 50, NOW - 9 * MINUTE, "phone-1"),
        Input("b", document(service("b", "closed")), 50, NOW - MINUTE, "phone-1"),
    ]
    assert compose(ALICE, inputs, NOW).document == document(service("b", "closed"))


def test_tuples_of_different_class_or_contact_or_none_stay_apart():
    work = service("a", elements=[Class("work")])
    home = service("b", elements=[Class("home")])
    neither = service("c", contact=None)
    result = composed(document(work, neither), document(home, neither))
    assert [each.id for each in result.tuples][:3] == ["a", "b", "c"]
    assert len(result.tuples) == 4


def test_tuples_of_one_publication_are_meant_apart():
    assert len(composed(document(service("a"), service("b"))).tuples) == 2


def test_a_service_is_closed_when_its_only_device_is_off():
    phone = service("a", elements=[DeviceID("urn:x-mac:1")])
    both = service(
        "b", contact="sip:b@192.0.2.3", elements=[DeviceID("urn:x-mac:1"), DeviceID("urn:x-mac:2")]
    )
    off = Device("d", "urn:x-mac:1", (Reach(False),))
    result = composed(document(phone, both), document(off))
    assert {each.id: each.status.basic for each in result.tuples} == {"a": "closed", "b": "open"}


# Persons


def test_one_person_of_whom_everybody_says_what_they_know():
    phone = Person("p1", (UserInput(True),))
    calendar = doing("meeting", name="p2")
    mood = Person("p3", (Mood(("happy",)),))
    (person,) = composed(document(phone), document(calendar), document(mood)).persons
    assert person == Person("p1", (Activities(("meeting",)), Mood(("happy",)), UserInput(True)))


def test_the_higher_rank_is_right_even_if_older():
    manual = doing("vacation", at=NOW - 60 * MINUTE)
    phone = doing("on-the-phone", at=NOW)
    assert composed(document(phone), document(manual), ranks=[50, 100]).persons[0].elements == (
        Activities(("vacation",)),
    )


def test_of_equal_rank_the_newer_timestamp_then_the_newer_publication_is_right():
    older, newer = doing("busy", at=NOW - 9 * MINUTE), doing("away", at=NOW - MINUTE)
    assert composed(document(newer), document(older)).persons[0].elements == (Activities(("away",)),)
    result = composed(document(doing("busy")), document(doing("away")), ages=[MINUTE, 2 * MINUTE])
    assert result.persons[0].elements == (Activities(("busy",)),)


def test_the_notes_of_who_says_the_activity_come_first():
    talk = doing("meeting", notes=[Note("in a meeting")])
    mood = Person("m", (Mood(("happy",)),), (Note("sunny"), Note("in a meeting")))
    (person,) = composed(document(mood), document(talk), ranks=[60, 50]).persons
    assert person.notes == (Note("in a meeting"), Note("sunny"))


def test_lamp_and_activity_are_taken_from_the_same_source():
    rules = doing("meeting", more=[Lamp("dark")])
    phone = doing("on-the-phone")
    (person,) = composed(document(rules), document(phone), ranks=[30, 50]).persons
    assert person.elements == (Activities(("on-the-phone",)),)


def test_active_beats_idle_and_the_latest_input_counts():
    idle = Person("a", (UserInput(False, last_input=NOW - MINUTE),), (), NOW)
    active = Person("b", (UserInput(True, last_input=NOW - 5 * MINUTE),))
    assert composed(document(idle), document(active)).persons[0].elements == active.elements
    longer = Person("b", (UserInput(False, last_input=NOW - 9 * MINUTE),), (), NOW)
    assert composed(document(idle), document(longer), ranks=[1, 99]).persons[0].elements == idle.elements


def test_persons_of_different_class_stay_apart():
    work = Person("w", (Class("work"), Activities(("busy",))))
    home = Person("h", (Class("home"), Activities(("tv",))))
    assert {each.id for each in composed(document(work), document(home)).persons} == {"w", "h"}


def test_an_activity_twice_in_one_person_is_one():
    twice = Person("p", (Activities(("busy",)), StatusIcon("http://a/"), Activities(("meeting",))))
    assert composed(document(twice)).persons[0].elements == (
        Activities(("busy", "meeting")),
        StatusIcon("http://a/"),
    )


def test_what_the_schema_has_only_once_stays_once():
    person = Person(
        "p",
        (
            Activities(("unknown",)),
            Activities(("busy",)),
            Sphere(("work",)),
            Sphere(("home",)),
            PlaceType((), Note("pier")),
            PlaceType(("office",)),
            Privacy(("text",)),
            Privacy(("audio",)),
        ),
    )
    assert composed(document(person)).persons[0].elements == (
        Activities(("busy",)),
        PlaceType(("office",), None, (Note("pier"),)),
        Privacy(("audio", "text")),
        Sphere(("work",)),
    )


# Devices


def test_devices_are_one_by_their_urn():
    old = Device("d1", "urn:uuid:A", (UserInput(False),), (Note("desk"),), NOW - 9 * MINUTE)
    new = Device("d2", "URN:uuid:a", (Reach(True),), (), NOW)
    assert composed(document(old), document(new)).devices == (
        Device("d1", "urn:uuid:A", (UserInput(False), Reach(True)), (Note("desk"),), NOW),
    )


def test_devices_without_urn_stay_apart():
    assert len(composed(document(Device("d1")), document(Device("d2"))).devices) == 2


# The whole document


def test_what_stands_beside_is_united():
    one = document(service(), notes=[Note("x"), Note(" ")], extensions=[make("urn:b", "b")])
    two = document(
        service(), notes=[Note("x"), Note("y")], extensions=[make("urn:a", "a"), make("urn:b", "b")]
    )
    result = composed(one, two, ages=[MINUTE, 2 * MINUTE])
    assert result.notes == (Note("x"), Note("y"))
    assert result.extensions == (make("urn:a", "a"), make("urn:b", "b"))


def test_a_removed_publication_takes_only_its_own_along():
    phone = document(service(), doing("on-the-phone", more=[ContactInfo("card", "http://a/")]))
    calendar = document(doing("meeting", name="c"))
    both = composed(calendar, phone, ranks=[30, 50])
    assert both.persons[0].elements == (Activities(("on-the-phone",)), ContactInfo("card", "http://a/"))
    assert composed(calendar, ranks=[30]) == document(doing("meeting", name="c"))


def test_keep_all_passes_on_every_occurrence():
    policy = Policy(mode=Mode.KEEP_ALL)
    result = composed(document(service(), doing("busy")), document(service(), doing("away")), policy=policy)
    assert len(result.tuples) == len(result.persons) == 2
    assert len({each.id for each in (*result.tuples, *result.persons)}) == 4


def test_the_newest_publication_alone():
    policy = Policy(mode=Mode.NEWEST)
    result = composed(
        document(service(), doing("busy")), document(doing("away")), policy=policy, ages=[2 * MINUTE, MINUTE]
    )
    assert result == document(doing("away"))


# Ids


@pytest.mark.parametrize("name", ["432sd", "a b", "", "ü", "<"])
def test_ids_become_valid_and_stay_so(name):
    first = normalise(document(service(name)), NOW)
    assert first.tuples[0].id.isascii()
    assert not first.tuples[0].id[0].isdigit()
    assert normalise(first, NOW) == first


def test_ids_are_unique_over_everything_even_inside():
    busy = Person("x", (Activities(("busy",), id="x"),))
    result = composed(document(service("x"), busy), document(service("x", contact="sip:b@b"), Device("x")))
    inner = result.persons[0].elements[0].id
    ids = [each.id for each in (*result.tuples, *result.persons, *result.devices)] + [inner]
    assert len(set(ids)) == 5
    assert "x" in ids


def test_ids_stay_when_a_publication_is_modified():
    one, two = service("mine"), service("yours", "open")
    before = composed(document(one), document(two), ages=[9 * MINUTE, 5 * MINUTE])
    after = composed(document(service("mine", timestamp=NOW)), document(two), ages=[MINUTE, 5 * MINUTE])
    assert before.tuples[0].id == after.tuples[0].id == "mine"


def _doing(*elements):
    return Presence(ALICE, persons=(Person("p", elements),))


@pytest.mark.parametrize("neutral", [(Lamp("dark"),), (Activities(("unknown",)), Lamp("dark"))])
def test_who_is_available_by_the_rules_is_still_seen_on_the_phone(neutral):
    phone = Activities(("on-the-phone",))
    inputs = [Input("rules", _doing(*neutral), 60, NOW), Input("phone", _doing(phone), 50, NOW)]
    composed = compose(ALICE, inputs, NOW).document
    assert composed.persons[0].elements == (phone,)
    assert lamp_of(composed) == "lit"


def test_what_the_rules_see_somebody_doing_outranks_the_phone():
    meeting = (Activities(("meeting",)), Lamp("lit"))
    inputs = [
        Input("rules", _doing(*meeting), 60, NOW),
        Input("phone", _doing(Activities(("away",))), 50, NOW),
    ]
    assert compose(ALICE, inputs, NOW).document.persons[0].elements == meeting
