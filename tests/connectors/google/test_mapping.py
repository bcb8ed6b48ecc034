"""What the Calendar API's words mean, case by case."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.calendar_event import Reader
from connectors.errors import BadData, NotFound, Unreachable
from connectors.facts import Shows
from connectors.google.calendar_api import read_channel, read_error, read_object, read_page
from connectors.google.mapping import FOCUS, read_busy, read_events, read_free_busy
from connectors.ical.window import Window
from connectors.privacy import Privacy
from tests.connectors.google.support import ALICE, BOB, at, meeting

BERLIN = ZoneInfo("Europe/Berlin")
DAY = Window(at(0), at(24))
READER = Reader(frozenset({ALICE}))
DETAILS = Reader(frozenset({ALICE}), Privacy.DETAILS)


def read(*items, window=DAY, reader=READER):
    return read_events(items, window, BERLIN, reader)


def answered(response: str) -> dict:
    return {"attendees": [{"email": "a@x", "self": True, "responseStatus": response}, {"email": BOB}]}


def location(kind: str) -> dict:
    return {
        "eventType": "workingLocation",
        "workingLocationProperties": {"type": kind},
        "transparency": "transparent",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Shows.BUSY),
        ({"transparency": "opaque"}, Shows.BUSY),
        ({"transparency": "transparent"}, Shows.FREE),
        ({"status": "tentative"}, Shows.TENTATIVE),
        ({"status": "cancelled"}, None),
        (answered("accepted"), Shows.BUSY),
        (answered("tentative"), Shows.TENTATIVE),
        (answered("needsAction"), Shows.TENTATIVE),
        (answered("declined"), None),
        ({"eventType": "outOfOffice"}, Shows.OUT_OF_OFFICE),
        ({"eventType": "focusTime"}, Shows.BUSY),
        ({"eventType": "fromGmail"}, Shows.BUSY),
        ({"eventType": "fromGmail", "transparency": "transparent"}, Shows.FREE),
        ({"eventType": "birthday"}, Shows.FREE),
        ({"eventType": "somethingNew"}, Shows.BUSY),
        (location("homeOffice"), Shows.ELSEWHERE),
        (location("customLocation"), Shows.ELSEWHERE),
        (location("officeLocation"), Shows.FREE),
    ],
)
def test_what_an_event_shows(given, expected):
    reading = read(meeting(10, **given))
    assert [found.shows for found in reading.events] == ([] if expected is None else [expected])
    assert not reading.problems


def test_times_have_offsets():
    entry = meeting(10)
    entry["start"] = {"dateTime": "2026-03-02T10:00:00+01:00", "timeZone": "Europe/Berlin"}
    (found,) = read(entry).events
    assert (found.start, found.end, found.all_day) == (at(9), at(11), False)


@pytest.mark.parametrize(("last", "hours"), [("2026-03-30", 23), ("2026-03-31", 47)])
def test_whole_days_are_the_persons_own(last, hours):
    entry = meeting(0, start={"date": "2026-03-29"}, end={"date": last})
    (found,) = read(entry, window=Window(at(0, 26), at(0, 30))).events
    assert found.start == at(23, 26) and found.all_day and found.end - found.start == timedelta(hours=hours)


def test_an_event_that_takes_no_time_shows_nothing():
    assert not read(meeting(10, 0)).events


@pytest.mark.parametrize("visibility", ["private", "confidential"])
def test_private_events_keep_their_times_and_lose_their_words(visibility):
    (found,) = read(meeting(10, visibility=visibility, location="Clinic"), reader=DETAILS).events
    assert found.private and (found.title, found.place) == (None, None)


def test_words_come_only_as_far_as_the_person_allows():
    entry = meeting(10, location="Room 4", eventType="focusTime")
    told = {
        privacy: read(entry, reader=Reader(privacy=privacy)).events[0]
        for privacy in (Privacy.BUSY, Privacy.CATEGORY, Privacy.DETAILS)
    }
    assert [(one.title, one.place, one.categories) for one in told.values()] == [
        (None, None, ()),
        (None, None, (FOCUS,)),
        ("Budget", "Room 4", (FOCUS,)),
    ]


def test_the_others_are_counted():
    guests = [{"email": "ALICE@example.org"}, {"email": "x@y", "self": True}, {"email": BOB}]
    assert [found.attendees for found in read(meeting(10, attendees=guests), meeting(11)).events] == [1, None]


@pytest.mark.parametrize(
    "given",
    [
        {"hangoutLink": "https://meet.google.com/abc-defg-hij"},
        {"conferenceData": {"conferenceId": "abc"}},
        {"location": "https://example.zoom.us/j/123"},
    ],
)
def test_an_online_meeting_is_seen(given):
    assert read(meeting(10, **given)).events[0].online_meeting
    assert not read(meeting(10)).events[0].online_meeting


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"start": None}, "no start"),
        ({"end": {"dateTime": "soon"}}, "end is not a date"),
        ({"start": {"date": "someday"}}, "start is not a date"),
        ({"start": {"date": "0001-01-01"}}, "outside the calendar"),
    ],
)
def test_one_broken_event_is_named_and_the_others_count(given, word):
    reading = read(meeting(10, **given, iCalUID="B4D"), meeting(12))
    assert [found.start for found in reading.events] == [at(12)]
    (problem,) = reading.problems
    assert "B4D" in problem and word in problem and "Budget" not in problem


def test_busy_times_are_busy():
    answer = {
        "calendars": {ALICE: {"busy": [{"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:00:00Z"}]}}
    }
    busy = read_free_busy(answer, [ALICE])[ALICE]
    (found,) = read_busy([*busy, {"start": "x"}], DAY, BERLIN, READER).events
    assert (found.shows, found.start, found.end) == (Shows.BUSY, at(10), at(11))


@pytest.mark.parametrize(("reason", "kind"), [("notFound", NotFound), ("internalError", Unreachable)])
def test_a_calendar_that_is_not_given_says_why(reason, kind):
    answer = {"calendars": {BOB: {"errors": [{"domain": "global", "reason": reason}], "busy": []}}}
    assert isinstance(read_free_busy(answer, [ALICE, BOB])[BOB], kind)
    assert ALICE not in read_free_busy(answer, [ALICE, BOB])


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 100_000])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(BadData):
        read_object(body)


@pytest.mark.parametrize("document", [{}, {"error": {}}, {"items": 1, "nextSyncToken": "x"}])
def test_what_is_no_list_is_refused(document):
    with pytest.raises(BadData):
        read_page(document)


def test_free_and_busy_that_says_nothing_is_refused():
    with pytest.raises(BadData, match="free and busy"):
        read_free_busy({}, [ALICE])


@pytest.mark.parametrize("answer", [{}, {"resourceId": "r"}, {"resourceId": "r", "expiration": "soon"}])
def test_a_channel_without_an_end_is_refused(answer):
    with pytest.raises(BadData):
        read_channel(answer)


@pytest.mark.parametrize("body", [None, [], {"error": "x"}, {"error": {"errors": [1]}}])
def test_an_error_without_words(body):
    assert read_error(body) == ("", "")
