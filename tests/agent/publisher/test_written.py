"""What we have written ourselves is not read again: that must never show."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.documents import pidf
from agent.documents.location_type import PLACE_TYPES
from agent.documents.rpid_names import ACTIVITIES, MOODS
from agent.documents.written import Written
from agent.presence.composition import DEFAULT, Input, Mode, Policy, compose
from agent.publisher.compose import publish_body
from rules.decision import Basic, Coming, Decision, DeviceUse, Extension, Lamp, Note
from tests.agent.documents.strategies import NOW, quick

ALICE = "sip:alice@example.org"

ODD = ("", " ", " x ", "a\tb", "a\nb", "a\rb", "\x01", "\ufffe", "\u2028", "\u00a0", "\ud800")
PLAIN = ("In a meeting", "A & B <c>", "\"'", "ü", "Vorstand", "b, c", "other", "unknown", "note", "]]>", "😀")
often_plain = st.sampled_from(PLAIN * 30 + ODD)
moments = st.one_of(
    *[st.integers(-100_000, 100_000).map(lambda seconds: NOW + timedelta(seconds=seconds))] * 9,
    st.integers(-100_000, 100_000).map(lambda millis: NOW + timedelta(milliseconds=millis)),
)


def names(known: frozenset[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from([*sorted(known), *PLAIN, ODD[0]]), max_size=3).map(tuple)


texts = st.one_of(*[often_plain] * 9, st.text(max_size=8))
notes = st.lists(st.builds(Note, texts, st.sampled_from([None, "en", "de-AT"])), max_size=3).map(tuple)
coming = st.lists(
    st.builds(
        Coming,
        moments,
        st.none() | moments,
        st.just("next"),
        st.sampled_from(Basic),
        notes,
        names(ACTIVITIES),
    ),
    max_size=3,
)


def in_order(each: list[Coming]) -> tuple[Coming, ...]:
    return tuple(sorted(each, key=lambda coming: coming.start))


devices = st.lists(
    st.builds(
        DeviceUse,
        st.one_of(
            st.sampled_from(["laptop", "desk phone", "mobile", *PLAIN]),
            st.sampled_from(
                ["laptop", "urn:uuid:0d4ba6a0-0000-4000-8000-000000000001", "URN:a", "urn:A", "urn:a "]
            ),
        ),
        st.none() | st.booleans(),
        st.none() | moments,
        st.none() | st.booleans(),
    ),
    max_size=4,
).map(tuple)
decisions = st.builds(
    Decision,
    st.just("alice"),
    st.just("state"),
    st.none() | st.sampled_from(Basic),
    names(ACTIVITIES),
    names(MOODS),
    st.none() | texts,
    notes,
    st.none() | texts,
    names(PLACE_TYPES),
    st.sampled_from([None, "home", "work", "unknown", "club", " work"]),
    st.sampled_from(Lamp),
    st.none() | texts,
    st.none() | moments,
    devices,
    st.sampled_from([()] * 8 + [(Extension("urn:example:org", "room", "4.12"),)]),
    st.one_of(coming.map(tuple), *[coming.map(in_order)] * 3),
)


def composed(body: bytes, at: datetime, policy: Policy = DEFAULT) -> pidf.Presence:
    """Of these bytes as anybody's: read, and alone, but known to keep time."""
    document = pidf.parse(bytes(body))
    inputs = [Input("p", document, 30, NOW - timedelta(minutes=3), None, keeps_time=True)]
    made = compose(ALICE, inputs, at, policy)
    assert made.next_boundary is None
    return made.document


@settings(quick, max_examples=300)
@given(decisions, st.none() | moments, st.sampled_from(Mode), st.integers(1, 100_000))
def test_what_is_marked_as_written_is_what_reading_and_composing_it_gives(
    decision, changed_at, mode, later
) -> None:
    body = publish_body(decision, ALICE, NOW, changed_at=changed_at)
    if isinstance(body, Written):
        assert pidf.parse(bytes(body)) == body.document
        moments = [NOW, NOW + timedelta(seconds=later)]
        if body.until is not None:
            moments = [NOW, body.until - timedelta(microseconds=1)]
        for moment in moments:
            assert composed(body, moment, Policy(mode)) == body.document
            assert pidf.build(composed(body, moment, Policy(mode))) == body
        if body.until is not None:
            assert composed(body, body.until) != body.document


def test_what_people_are_usually_shown_as_is_written() -> None:
    hour = timedelta(hours=1)
    decision = Decision(
        "alice",
        "dnd",
        Basic.CLOSED,
        ("busy", "meeting", "Vorstand"),
        ("happy",),
        None,
        (Note("In a meeting until 11:00", "en"),),
        "Main building",
        ("office",),
        "work",
        Lamp.LIT,
        "high",
        NOW + hour,
        (DeviceUse("laptop", True, NOW, True), DeviceUse("desk phone", None, None, False)),
        (),
        (Coming(NOW + hour, None, "available", Basic.OPEN, (Note("Free again"),)),),
    )
    body = publish_body(decision, ALICE, NOW, changed_at=NOW)
    assert isinstance(body, Written) and body.until == NOW + hour
    assert composed(body, NOW) == body.document


def test_what_the_clock_changes_or_others_word_is_not() -> None:
    decision = Decision("alice", "free", Basic.OPEN)
    assert isinstance(publish_body(decision, ALICE, NOW), Written)
    assert not isinstance(publish_body(decision, ALICE, NOW, time_zone="Europe/Vienna"), Written)
    own = Decision("alice", "free", Basic.OPEN, extensions=(Extension("urn:example:org", "room", "4.12"),))
    assert not isinstance(publish_body(own, ALICE, NOW), Written)
