"""The table of `connectors.ical.busy`, row by row."""

import pytest

from connectors.calendar_event import Reader
from connectors.facts import Shows
from connectors.privacy import Privacy
from tests.connectors.ical.texts import event, read_day

TIMED = ("DTSTART:20260302T090000Z", "DTEND:20260302T100000Z")
DAY = ("DTSTART;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260303")
ME = "ATTENDEE;PARTSTAT={}:mailto:Alice@Example.org"
MICROSOFT = "X-MICROSOFT-CDO-BUSYSTATUS:{}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(TIMED, Shows.BUSY, id="plain"),
        pytest.param((*TIMED, "TRANSP:TRANSPARENT"), Shows.FREE, id="transparent"),
        pytest.param((*TIMED, "TRANSP:OPAQUE"), Shows.BUSY, id="opaque"),
        pytest.param((*TIMED, "STATUS:CANCELLED"), None, id="cancelled"),
        pytest.param((*TIMED, "STATUS:CANCELLED", MICROSOFT.format("BUSY")), None, id="cancelled-but-busy"),
        pytest.param((*TIMED, "STATUS:TENTATIVE"), Shows.TENTATIVE, id="tentative"),
        pytest.param((*TIMED, "STATUS:CONFIRMED"), Shows.BUSY, id="confirmed"),
        pytest.param((*TIMED, ME.format("DECLINED")), None, id="declined"),
        pytest.param((*TIMED, ME.format("DECLINED"), MICROSOFT.format("BUSY")), None, id="declined-but-busy"),
        pytest.param((*TIMED, ME.format("ACCEPTED")), Shows.BUSY, id="accepted"),
        pytest.param((*TIMED, ME.format("TENTATIVE")), Shows.TENTATIVE, id="answered-tentative"),
        pytest.param((*TIMED, ME.format("NEEDS-ACTION")), Shows.TENTATIVE, id="not-answered"),
        pytest.param((*TIMED, "ATTENDEE:mailto:alice@example.org"), Shows.TENTATIVE, id="no-answer-given"),
        pytest.param(
            (*TIMED, "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org"), Shows.BUSY, id="bob-declined"
        ),
        pytest.param(
            (*TIMED, 'ATTENDEE;CN="A: B";EMAIL=alice@example.org;PARTSTAT=DECLINED:urn:uuid:1'),
            None,
            id="declined-by-email-parameter",
        ),
        pytest.param((*TIMED, MICROSOFT.format("FREE")), Shows.FREE, id="microsoft-free"),
        pytest.param((*TIMED, MICROSOFT.format("TENTATIVE")), Shows.TENTATIVE, id="microsoft-tentative"),
        pytest.param((*TIMED, "TRANSP:TRANSPARENT", MICROSOFT.format("OOF")), Shows.OUT_OF_OFFICE, id="oof"),
        pytest.param((*TIMED, MICROSOFT.format("WORKINGELSEWHERE")), Shows.ELSEWHERE, id="elsewhere"),
        pytest.param((*TIMED, "BUSYSTATUS:OOF"), Shows.OUT_OF_OFFICE, id="plain-busystatus"),
        pytest.param((*TIMED, MICROSOFT.format("PERHAPS")), Shows.BUSY, id="unknown-microsoft-word"),
        pytest.param(
            (*TIMED, ME.format("NEEDS-ACTION"), "X-MICROSOFT-CDO-INTENDEDSTATUS:FREE"),
            Shows.FREE,
            id="open-invitation-meant-free",
        ),
        pytest.param(
            (*TIMED, ME.format("ACCEPTED"), "X-MICROSOFT-CDO-INTENDEDSTATUS:FREE"),
            Shows.BUSY,
            id="intended-status-after-the-answer",
        ),
        pytest.param(DAY, Shows.FREE, id="birthday"),
        pytest.param((*DAY, "TRANSP:OPAQUE"), Shows.BUSY, id="whole-day-opaque"),
        pytest.param((*DAY, MICROSOFT.format("OOF")), Shows.OUT_OF_OFFICE, id="whole-day-vacation"),
        pytest.param(("DTSTART:20260302T090000Z",), None, id="no-end"),
        pytest.param(("DTSTART:20260302T090000Z", "DTEND:20260302T090000Z"), None, id="zero-length"),
        pytest.param(("DTSTART:20260302T090000Z", "DURATION:PT0S"), None, id="zero-duration"),
    ],
)
def test_what_an_event_shows(lines, expected):
    reading = read_day(event(*lines))
    assert [found.shows for found in reading.events] == ([] if expected is None else [expected])
    assert reading.problems == ()


def test_whole_days_count_when_the_person_wants_it():
    reading = read_day(event(*DAY), reader=Reader(whole_days_count=True))
    assert [(found.shows, found.all_day) for found in reading.events] == [(Shows.BUSY, True)]


WORDS = (*TIMED, "SUMMARY:Budget\\, draft", "LOCATION:Room 5", "CATEGORIES:Finance,Board\\, main")


@pytest.mark.parametrize(
    ("privacy", "private", "expected"),
    [
        (Privacy.DETAILS, False, ("Budget, draft", "Room 5", ("Finance", "Board, main"))),
        (Privacy.CATEGORY, False, (None, None, ("Finance", "Board, main"))),
        (Privacy.BUSY, False, (None, None, ())),
        (Privacy.DETAILS, True, (None, None, ())),
    ],
)
def test_words_are_taken_over_only_as_far_as_allowed(privacy, private, expected):
    lines = (*WORDS, "CLASS:CONFIDENTIAL") if private else WORDS
    (found,) = read_day(event(*lines), reader=Reader(privacy=privacy)).events
    assert (found.title, found.place, found.categories) == expected
    assert found.private is private


def test_a_private_title_is_not_in_a_problem_either():
    broken = event("SUMMARY:Surgery", "DTSTART:tomorrow", uid="u1")
    assert "Surgery" not in read_day(broken, reader=Reader()).problems[0]
    assert "u1" in read_day(broken, reader=Reader()).problems[0]
    assert "Surgery" not in read_day(event("SUMMARY:Surgery", "CLASS:PRIVATE", "DTSTART:x")).problems[0]


@pytest.mark.parametrize(
    ("line", "online"),
    [
        ("LOCATION:https://zoom.us/j/123", True),
        ("LOCATION:Zoom street 5", False),
        ("DESCRIPTION:Join: https://teams.microsoft.com/l/meetup-join/19%3a", True),
        ("DESCRIPTION:bring cake", False),
        ("X-GOOGLE-CONFERENCE:https://meet.google.com/abc", True),
        ("CONFERENCE;VALUE=URI;FEATURE=AUDIO:tel:+4930", True),
    ],
)
def test_online_meetings_are_recognized(line, online):
    (found,) = read_day(event(*TIMED, line)).events
    assert found.online_meeting is online


def test_others_are_counted_without_the_person():
    invited = ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org", "ATTENDEE:mailto:b@x.org")
    (found,) = read_day(event(*TIMED, *invited)).events
    assert found.attendees == 1
    assert read_day(event(*TIMED)).events[0].attendees is None
