"""What is left for simple phones: one tuple, one note, why."""

from datetime import timedelta

from hypothesis import given

from agent.documents import pidf
from agent.documents.data_model import Person
from agent.documents.lamplighter import Lamp
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import Activities, Mood
from agent.documents.values import Note
from agent.presence.composition import normalise, simple_view
from tests.agent.documents.strategies import NOW, documents, quick

ALICE = "sip:alice@example.org"


def view(tuples=(), elements=(), notes=(), **more):
    persons = (Person("p", tuple(elements), tuple(notes)),) if elements or notes else ()
    return simple_view(Presence(ALICE, tuple(tuples), persons=persons, **more), NOW)


def service(name, basic, priority=None, notes=()):
    return Tuple(name, Status(basic), (), Contact(f"sip:{name}@b", priority), tuple(notes))


def test_the_best_tuple_is_the_one():
    result = view([service("a", "closed", 1.0), service("b", "open", 0.2), service("c", "open", 0.9)])
    assert [each.id for each in result.tuples] == ["c"]


def test_the_person_s_note_comes_before_the_service_s():
    result = view([service("a", "open", notes=[Note("desk")])], [], [Note("in a meeting")])
    assert result.tuples[0].notes == (Note("in a meeting"),)


def test_without_note_the_activities_are_one():
    result = view([service("a", "open")], [Activities(("on-the-phone", "meeting"))])
    assert result.tuples[0].notes == (Note("On the phone, meeting", "en"),)


def test_lamps_can_still_tell():
    elements = (Activities(("busy",)), Lamp("blinking"))
    assert view([service("a", "open")], (*elements, Mood(("happy",)))).persons[0].elements == elements


def test_what_is_not_known_is_not_claimed():
    (only,) = view().tuples
    assert (only.status.basic, only.contact, only.notes) == (None, Contact(ALICE), ())


def test_what_is_over_is_not_shown():
    over = Activities(("busy",), until=NOW - timedelta(minutes=1))
    assert view([service("a", "open")], [over]).persons == ()


@quick
@given(documents)
def test_any_document_gives_a_simple_one(document):
    result = simple_view(normalise(document, NOW), NOW)
    assert len(result.tuples) == 1
    assert len(result.tuples[0].notes) <= 1
    assert len(result.persons) <= 1
    assert simple_view(result, NOW) == result
    assert pidf.parse(pidf.build(result)) == result
