"""RPID: the whole vocabulary, the RFC's own slips, and the form that validating readers need."""

from datetime import timedelta

import pytest

from agent.documents import pidf, rpid
from agent.documents.elements import read_element
from agent.documents.foreign import Foreign
from agent.documents.location_type import PLACE_TYPES
from agent.documents.rpid_names import ACTIVITIES, MOODS
from agent.documents.values import Note
from agent.documents.xml import parse_xml
from tests.agent.documents.strategies import NOW

NS = (
    'xmlns="urn:ietf:params:xml:ns:pidf:rpid" xmlns:lt="urn:ietf:params:xml:ns:location-type"'
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"'
)


def read(name, inside, attributes=""):
    return read_element(parse_xml(f"<{name} {NS} {attributes}>{inside}</{name}>".encode()))


def test_the_vocabularies_are_whole():
    assert len(ACTIVITIES) == 26, "24 of the schema, unknown, and lunch of the prose; `other` apart"
    assert len(MOODS) == 60, "61 with `other`"
    assert len(PLACE_TYPES) == 44


@pytest.mark.parametrize("name", sorted(ACTIVITIES))
def test_every_activity(name):
    assert read("activities", f"<{name}/>") == rpid.Activities((name,))


@pytest.mark.parametrize("name", sorted(MOODS))
def test_every_mood(name):
    assert read("mood", f"<{name}/>") == rpid.Mood((name,))


@pytest.mark.parametrize("name", sorted(PLACE_TYPES))
def test_every_place_type(name):
    assert read("place-type", f"<lt:{name}/>") == rpid.PlaceType((name,))


def test_activities_with_everything():
    element = read(
        "activities",
        '<note xml:lang="en">busy day</note><meeting/><x:juggling xmlns:x="urn:x"/><busy/><busy/><newer/>'
        "<other>crossing fingers</other>",
        'from="2026-03-02T09:00:00Z" until="2026-03-02T11:00:00Z" id="a1" extra="1"',
    )
    assert element.values == ("meeting", "busy")
    assert element.other == Note("crossing fingers")
    assert element.notes == (Note("busy day", "en"),)
    assert [each.name for each in element.foreign] == ["juggling", "newer"]
    assert (element.from_, element.until) == (NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert (element.id, element.attributes) == ("a1", (("extra", "1"),))


def test_lunch_is_read_and_written_and_is_a_meal_for_validating_readers():
    lunch = rpid.Activities(("lunch", "meal"))
    assert read("activities", "<lunch/><meal/>") == lunch
    document = pidf.Presence("sip:a@b", persons=(pidf.Person("p", (lunch,)),))
    assert b"<rpid:lunch/>" in pidf.build(document)
    strict = pidf.build(document, strict=True)
    assert b"<rpid:activities><rpid:meal/></rpid:activities>" in strict


@pytest.mark.parametrize(
    ("inside", "values", "text"),
    [
        ("<work/>", ("work",), None),
        ("work", ("work",), None),
        (" Home\n", ("home",), None),
        ("bowling league", (), "bowling league"),
        ("", (), None),
    ],
)
def test_spheres_as_element_and_as_text(inside, values, text):
    element = read("sphere", inside)
    assert element.values == values
    assert (element.other.text if element.other else None) == text


def test_a_sphere_of_text_is_unknown_to_validating_readers():
    element = rpid.Sphere(other=Note("bowling league"))
    assert element.xml() == "<rpid:sphere>bowling league</rpid:sphere>"
    assert rpid.strict(element) == rpid.Sphere(("unknown",))


def test_a_foreign_sphere():
    assert read("sphere", '<x:club xmlns:x="urn:x"/>').foreign[0].name == "club"


def test_privacy_is_a_sequence():
    assert read("privacy", "<video/><audio/>") == rpid.Privacy(("audio", "video"))
    assert rpid.Privacy(("video", "audio")).xml() == "<rpid:privacy><rpid:audio/><rpid:video/></rpid:privacy>"


def test_place_is():
    element = read("place-is", "<audio><noisy/></audio><video><dark/></video><text><ok/></text>")
    assert element == rpid.PlaceIs("noisy", "dark", "ok")
    odd = read("place-is", "<audio><deafening/></audio><video/>")
    assert (odd.audio, odd.video, len(odd.foreign)) == (None, None, 2)


def test_a_place_type_in_words():
    assert read("place-type", "<other>pier</other>") == rpid.PlaceType((), Note("pier"))


def test_text_in_a_relationship_is_no_reason_to_refuse():
    assert read("relationship", "<self/>boss") == rpid.Relationship(("self",))


def test_time_offset():
    assert read("time-offset", "-120", 'description="America/New_York"') == rpid.TimeOffset(
        -120, "America/New_York"
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", rpid.UserInput(False)),
        ('idle-threshold="600"', rpid.UserInput(False, 600)),
        ('idle-threshold="soon"', rpid.UserInput(False)),
        ('idle-threshold="' + "9" * 5000 + '"', rpid.UserInput(False)),
        ('last-input="2026-03-02T10:00:00Z"', rpid.UserInput(False, None, NOW)),
        ('last-input="never"', rpid.UserInput(False)),
    ],
    ids=range(6),
)
def test_user_input(attributes, expected):
    assert read("user-input", "idle", attributes) == expected
    assert read("user-input", "active").active


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("user-input", "asleep"),
        ("time-offset", "noon"),
        ("time-offset", "9" * 5000),
        ("class", " "),
        ("future", ""),
    ],
    ids=range(5),
)
def test_what_says_nothing_readable_is_kept_as_it_is(name, inside):
    element = read(name, inside)
    assert isinstance(element, Foreign)
    assert element.name == name
