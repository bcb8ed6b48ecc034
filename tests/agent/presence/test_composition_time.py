"""What holds only for a time appears and goes at its moment, and composition says when that is."""

from datetime import UTC, datetime, timedelta

from agent.documents.data_model import Person
from agent.documents.foreign import make
from agent.documents.geopriv import Geopriv
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import Activities, Mood
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Note
from agent.presence.composition import Input, compose

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALICE = "sip:alice@example.org"
PLACE = make("urn:ietf:params:xml:ns:pidf:geopriv10", "location-info")


def at(moment, document):
    return compose(ALICE, [Input("a", document, 50, NOW - HOUR)], moment)


def person(*elements, notes=()):
    return Presence(ALICE, persons=(Person("p", elements, tuple(notes)),))


def service(*elements, basic="open", timestamp=None):
    return Presence(ALICE, (Tuple("t", Status(basic), elements, Contact(ALICE), (), timestamp),))


def walk(document, start):
    """Every state from `start` on, found by following the boundaries."""
    moment, states = start, []
    while moment is not None:
        result = at(moment, document)
        states.append((moment, result.document))
        assert result.next_boundary is None or result.next_boundary > moment
        moment = result.next_boundary
    return states


def test_an_activity_with_a_range():
    meeting = Activities(("meeting",), from_=NOW + HOUR, until=NOW + 2 * HOUR)
    states = walk(person(meeting), NOW)
    assert [moment for moment, _ in states] == [NOW, NOW + HOUR, NOW + 2 * HOUR]
    assert [document.persons[0].elements for _, document in states] == [(), (meeting,), ()]


def test_two_ranges_follow_each_other():
    first = Activities(("meeting",), from_=NOW, until=NOW + HOUR)
    second = Activities(("lunch",), from_=NOW + HOUR, until=NOW + 2 * HOUR)
    states = walk(person(second, first), NOW)
    assert [document.persons[0].elements for _, document in states] == [(first,), (second,), ()]


def test_a_range_that_ends_before_it_begins_never_holds():
    states = walk(person(Mood(("happy",), from_=NOW + 2 * HOUR, until=NOW + HOUR)), NOW)
    assert [document.persons[0].elements for _, document in states] == [()]


def test_the_next_boundary_is_the_earliest_of_all_publications():
    inputs = [
        Input("a", person(Mood(("happy",), until=NOW + 3 * HOUR)), 50, NOW),
        Input("b", person(Mood(("sad",), until=NOW + 2 * HOUR)), 40, NOW),
    ]
    assert compose(ALICE, inputs, NOW).next_boundary == NOW + 2 * HOUR


def test_a_coming_status_is_shown_then_holds_then_is_gone():
    coming = TimedStatus(NOW + HOUR, NOW + 2 * HOUR, "closed", (Note("meeting"),))
    states = walk(service(coming), NOW)
    seen = [
        (document.tuples[0].status.basic, document.tuples[0].notes, len(document.tuples[0].elements))
        for _, document in states
    ]
    assert seen == [("open", (), 1), ("closed", (Note("meeting"),), 0), ("open", (), 0)]
    assert [document.tuples[0].timestamp for _, document in states] == [None, NOW + HOUR, None]


def test_what_a_status_that_has_come_says_of_the_person_is_said_of_the_person():
    coming = TimedStatus(NOW + HOUR, None, "closed", (), (Activities(("meeting",)), make("urn:x", "x")))
    document = Presence(
        ALICE,
        service(coming).tuples,
        persons=(Person("p", (Activities(("working",)), Mood(("happy",))), (Note("at work"),)),),
    )
    result = at(NOW + HOUR, document).document
    assert result.persons[0].elements == (Activities(("meeting",)), Mood(("happy",)))
    assert result.persons[0].notes == ()
    assert result.persons[0].timestamp == NOW + HOUR
    assert result.tuples[0].elements == (make("urn:x", "x"),)


def test_of_overlapping_statuses_the_later_beginning_wins():
    long = TimedStatus(NOW - 2 * HOUR, NOW + 2 * HOUR, "closed")
    short = TimedStatus(NOW - HOUR, NOW + HOUR, "open")
    states = walk(service(short, long, basic=None), NOW)
    assert [document.tuples[0].status.basic for _, document in states] == ["open", "closed", None]


def test_a_location_is_discarded_when_its_time_is_up():
    kept = Geopriv(PLACE, retention_expiry=NOW + HOUR)
    assert [d.persons[0].elements for _, d in walk(person(kept), NOW)] == [(kept,), ()]


def test_a_location_without_expiry_is_kept_a_day():
    states = walk(service(Geopriv(PLACE), timestamp=NOW - 2 * HOUR), NOW)
    assert [moment for moment, _ in states] == [NOW, NOW + 22 * HOUR]
    assert states[0][1].tuples[0].elements == (Geopriv(PLACE, retention_expiry=NOW + 22 * HOUR),)
    assert states[-1][1].tuples[0].elements == ()


def test_a_newer_timestamp_from_elsewhere_does_not_prolong_a_location():
    inputs = [
        Input("a", Presence(ALICE, persons=(Person("p", (Geopriv(PLACE),), (), NOW - 2 * HOUR),)), 50, NOW),
        Input("b", Presence(ALICE, persons=(Person("q", (Mood(("happy",)),), (), NOW),)), 50, NOW),
    ]
    result = compose(ALICE, inputs, NOW)
    assert result.document.persons[0].timestamp == NOW
    again = compose(ALICE, [Input("c", result.document, 50, NOW)], NOW)
    assert result.next_boundary == again.next_boundary == NOW + 22 * HOUR


def test_a_component_has_one_location():
    two = person(Geopriv(PLACE, retention_expiry=NOW + HOUR), Geopriv(PLACE, True, NOW + 2 * HOUR))
    assert len(at(NOW, two).document.persons[0].elements) == 1


def test_what_was_said_of_the_former_status_ends_with_it():
    coming = TimedStatus(NOW + HOUR, None, "open")
    meeting = (Note("In a meeting", None),)
    document = Presence(ALICE, (Tuple("t", Status("closed"), (coming,), Contact(ALICE), meeting),))
    (_, before), (_, after) = walk(document, NOW)
    assert (before.tuples[0].status.basic, before.tuples[0].notes) == ("closed", meeting)
    assert (after.tuples[0].status.basic, after.tuples[0].notes) == ("open", ())


def test_who_keeps_time_is_waited_for():
    coming = TimedStatus(NOW + HOUR, NOW + 2 * HOUR, "closed")
    source = Input("a", service(coming), 50, NOW - HOUR, keeps_time=True)
    announced = compose(ALICE, [source], NOW)
    assert announced.next_boundary is None
    assert announced.document.tuples[0].elements == (coming,)
    begun = compose(ALICE, [source], NOW + HOUR)
    assert begun.document.tuples[0].status.basic == "open"
    assert begun.document.tuples[0].elements == ()
