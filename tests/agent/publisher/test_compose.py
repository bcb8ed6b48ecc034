"""Decisions as PIDF: said once, said everywhere simple clients look, and never more than is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.documents import pidf
from agent.documents.lamplighter import Importance, Lamp, Reach, Until
from agent.documents.rpid import Activities, Mood, PlaceType, Sphere, UserInput
from agent.documents.timed_status import TimedStatus
from agent.presence.composition import Input, compose, normalise
from agent.publisher.compose import presence_document, publish_body
from rules.decision import Basic, Coming, Decision, DeviceUse, Extension, Note
from rules.decision import Lamp as RulesLamp

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ALICE = "sip:alice@example.org"
MEETING = Decision(
    person="alice",
    state="dnd",
    basic=Basic.CLOSED,
    activities=("busy", "meeting"),
    notes=(Note("In a meeting until 11:00", "en"), Note("In einer Besprechung", "de")),
    lamp=RulesLamp.LIT,
    until=NOW + timedelta(hours=1),
)


def element(document, cls):
    return next((each for each in document.persons[0].elements if isinstance(each, cls)), None)


def test_the_note_is_where_simple_and_where_rich_clients_look():
    document = presence_document(MEETING, ALICE, None, NOW)
    assert [note.text for note in document.tuples[0].notes] == [
        "In a meeting until 11:00",
        "In einer Besprechung",
    ]
    assert document.persons[0].notes == document.tuples[0].notes
    assert document.tuples[0].contact == pidf.Contact(ALICE)


def test_baresip_finds_what_it_searches_by_regular_expression():
    body = publish_body(MEETING, ALICE, NOW)
    assert b"<basic>closed</basic>" in body
    assert b"<rpid:busy/>" in body
    assert b"<tuple id=" in body


def test_the_same_decision_gives_the_same_bytes_at_any_time():
    later = NOW + timedelta(minutes=20)
    assert publish_body(MEETING, ALICE, NOW) == publish_body(replace(MEETING), ALICE, later)


def test_two_people_have_different_ids_and_one_keeps_theirs():
    alice = presence_document(MEETING, ALICE, None, NOW)
    bob = presence_document(MEETING, "sip:bob@example.org", None, NOW)
    free = presence_document(Decision("alice", "free", Basic.OPEN), ALICE, None, NOW)
    assert alice.tuples[0].id == free.tuples[0].id != bob.tuples[0].id
    assert alice.persons[0].id == free.persons[0].id != bob.persons[0].id


def test_the_timestamp_is_only_what_the_caller_says():
    assert b"timestamp" not in publish_body(MEETING, ALICE, NOW)
    stamped = presence_document(MEETING, ALICE, None, NOW, changed_at=NOW - timedelta(hours=2))
    assert stamped.tuples[0].timestamp == stamped.persons[0].timestamp == NOW - timedelta(hours=2)


def test_unknown_is_closed_and_says_unknown():
    document = presence_document(Decision("alice", "unknown"), ALICE, None, NOW)
    assert document.tuples[0].status.basic == "closed"
    assert element(document, Activities).values == ("unknown",)


def test_unknown_reachability_with_a_known_activity_keeps_the_activity():
    document = presence_document(Decision("alice", "lunch", None, ("lunch",)), ALICE, None, NOW)
    assert document.tuples[0].status.basic == "closed"
    assert element(document, Activities).values == ("lunch",)


def test_a_mood_of_ones_own_is_other_with_its_words():
    decision = Decision("alice", "x", Basic.OPEN, moods=("happy", "other"), mood_note="crossing my fingers")
    mood = element(presence_document(decision, ALICE, None, NOW), Mood)
    assert (mood.values, mood.other.text) == (("happy",), "crossing my fingers")


def test_available_claims_no_activity():
    document = presence_document(Decision("alice", "free", Basic.OPEN), ALICE, None, NOW)
    assert document.tuples[0].status.basic == "open"
    assert element(document, Activities) is None
    assert element(document, Lamp) == Lamp("dark")


def test_everything_a_decision_can_say_arrives():
    decision = replace(
        MEETING,
        moods=("happy", "hopeful"),
        place="Main building",
        place_types=("office",),
        sphere="work",
        importance="high",
        devices=(
            DeviceUse("desk phone", False, NOW - timedelta(minutes=10), True),
            DeviceUse("laptop", False, NOW - timedelta(minutes=5), False),
            DeviceUse("urn:uuid:0d4ba6a0-0000-4000-8000-000000000001", None),
        ),
        extensions=(Extension("urn:example:org", "room", "4.12 & <roof>", (("floor", "4"),)),),
        coming=(
            Coming(NOW + timedelta(hours=1), None, "free", Basic.OPEN, (Note("Free again"),)),
            Coming(NOW - timedelta(hours=1), NOW, "past", Basic.OPEN),
        ),
    )
    document = presence_document(decision, ALICE, "sip:alice@pbx.example.org", NOW)
    assert pidf.parse(pidf.build(document)) == document
    assert element(document, Mood).values == ("happy",)
    assert element(document, Mood).other.text == "hopeful"
    assert element(document, PlaceType).values == ("office",)
    assert element(document, PlaceType).notes[0].text == "Main building"
    assert element(document, Sphere).values == ("work",)
    assert element(document, Importance).level == "high"
    assert element(document, Until).moment == NOW + timedelta(hours=1)
    assert element(document, UserInput) == UserInput(False, None, NOW - timedelta(minutes=5))
    assert [Reach(False) in each.elements for each in document.devices] == [False, True, False]
    assert document.devices[2].device_id == "urn:uuid:0d4ba6a0-0000-4000-8000-000000000001"
    assert document.persons[0].elements[-1].kind == "{urn:example:org}room"
    timed = document.tuples[0].elements
    expected = (pidf.Note("Free again"),)
    assert timed == (TimedStatus(NOW + timedelta(hours=1), None, "open", expected, (Lamp("dark"),)),)


def test_an_active_device_does_not_tell_every_key_stroke():
    first = replace(MEETING, devices=(DeviceUse("laptop", True, NOW),))
    second = replace(MEETING, devices=(DeviceUse("laptop", True, NOW + timedelta(seconds=30)),))
    assert publish_body(first, ALICE, NOW) == publish_body(second, ALICE, NOW)


def test_a_device_named_twice_is_there_once():
    twice = replace(MEETING, devices=(DeviceUse("laptop", None), DeviceUse("laptop", True)))
    (device,) = presence_document(twice, ALICE, None, NOW).devices
    assert device.elements == (UserInput(True),)


@pytest.mark.parametrize(
    ("place", "types", "expected"),
    [
        ("HQ", ("office",), PlaceType(("office",), None, (pidf.Note("HQ"),))),
        ("HQ", (), PlaceType((), pidf.Note("HQ"))),
        (None, ("office", "cafe"), PlaceType(("office", "cafe"))),
        ("HQ", ("my <lab>",), PlaceType((), pidf.Note("HQ, my <lab>"))),
        (None, (), None),
    ],
)
def test_places(place, types, expected):
    document = presence_document(replace(MEETING, place=place, place_types=types), ALICE, None, NOW)
    assert element(document, PlaceType) == expected
    assert pidf.parse(pidf.build(document)) == document


@pytest.mark.parametrize(
    ("sphere", "expected"), [("home", ("home",)), ("bowling league", ())], ids=["of the RFC", "own"]
)
def test_spheres(sphere, expected):
    document = presence_document(replace(MEETING, sphere=sphere), ALICE, None, NOW)
    assert element(document, Sphere).values == expected
    assert sphere.encode() in pidf.build(document)


def test_what_is_coming_takes_effect_at_its_moment_even_without_a_new_publication():
    coming = Coming(NOW + timedelta(hours=1), None, "free", Basic.OPEN, (Note("Free again"),), ("working",))
    document = presence_document(replace(MEETING, coming=(coming,)), ALICE, None, NOW, NOW)
    before = compose(ALICE, [Input("a", document, 30, NOW)], NOW)
    assert before.next_boundary == NOW + timedelta(hours=1)
    assert before.document.tuples[0].status.basic == "closed"
    after = normalise(document, NOW + timedelta(hours=1))
    assert after.tuples[0].status.basic == "open"
    assert after.tuples[0].notes[0].text == "Free again"
    assert element(after, Activities).values == ("working",)
    assert element(after, Lamp) is None, "the lamp was for the activity that is over"


def test_free_after_a_meeting_leaves_nothing_of_the_meeting():
    coming = Coming(NOW + timedelta(hours=1), None, "free", Basic.OPEN)
    document = presence_document(replace(MEETING, coming=(coming,)), ALICE, None, NOW, NOW)
    after = normalise(document, NOW + timedelta(hours=1))
    assert after.tuples[0].status.basic == "open"
    assert element(after, Activities) is None
    assert element(after, Lamp) == Lamp("dark")
    assert after.persons[0].notes == ()


def test_baresip_does_not_see_what_is_only_coming():
    coming = Coming(NOW + timedelta(hours=1), None, "dnd", Basic.CLOSED, (), ("busy", "on-the-phone"))
    free = Decision("alice", "free", Basic.OPEN, coming=(coming,))
    body = publish_body(free, ALICE, NOW)
    assert b"<rpid:" not in body
    assert body.count(b"<basic>") == 1
    assert pidf.parse(body) == presence_document(free, ALICE, None, NOW)
