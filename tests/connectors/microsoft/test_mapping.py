"""What Graph's words mean, case by case."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.calendar_event import Reader
from connectors.errors import BadData, Forbidden, NotFound, Unreachable
from connectors.facts import Shows
from connectors.ical.window import Window
from connectors.microsoft.graph import read_batch, read_error, read_object, read_page
from connectors.microsoft.mapping import Schedule, read_events, read_replies, read_schedule, read_schedules
from connectors.privacy import Privacy
from tests.connectors.microsoft.support import ALICE, at, meeting

BERLIN = ZoneInfo("Europe/Berlin")
DAY = Window(at(0), at(24))
READER = Reader(frozenset({ALICE}))
DETAILS = Reader(frozenset({ALICE}), Privacy.DETAILS)


def read(*entries, window=DAY, reader=READER, home=BERLIN):
    return read_events(entries, window, home, reader)


def answer(response: str) -> dict:
    return {"responseStatus": {"response": response, "time": "2026-02-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"showAs": "free"}, Shows.FREE),
        ({"showAs": "tentative"}, Shows.TENTATIVE),
        ({"showAs": "busy"}, Shows.BUSY),
        ({"showAs": "oof"}, Shows.OUT_OF_OFFICE),
        ({"showAs": "workingElsewhere"}, Shows.ELSEWHERE),
        ({"showAs": "unknown"}, Shows.BUSY),
        ({"showAs": None}, Shows.BUSY),
        ({"showAs": "unknown", **answer("notResponded")}, Shows.TENTATIVE),
        ({"showAs": "busy", **answer("accepted")}, Shows.BUSY),
        ({"showAs": "tentative", **answer("notResponded")}, Shows.TENTATIVE),
        ({"showAs": "busy", **answer("declined")}, None),
        ({"showAs": "busy", "isCancelled": True}, None),
    ],
)
def test_what_an_event_shows(given, expected):
    reading = read(meeting(10, **given))
    assert [found.shows for found in reading.events] == ([] if expected is None else [expected])
    assert not reading.problems


def test_times_are_exact_and_in_utc():
    (found,) = read(meeting(10, 1.5)).events
    assert (found.start, found.end, found.all_day) == (at(10), at(11.5), False)


def test_an_event_that_takes_no_time_shows_nothing():
    assert not read(meeting(10, 0)).events


def test_what_only_touches_the_window_is_outside_of_it():
    assert not read(meeting(-1), meeting(24)).events
    assert len(read(meeting(-1, 1.5), meeting(23.5)).events) == 2


def days(start: str, end: str, **given) -> dict:
    both = {
        name: {"dateTime": f"{text}.0000000", "timeZone": "UTC"}
        for name, text in (("start", start), ("end", end))
    }
    return meeting(0, isAllDay=True, showAs="oof", **both | given)


def test_a_whole_day_is_the_persons_own_day():
    (found,) = read(days("2026-03-02T00:00:00", "2026-03-03T00:00:00")).events
    assert (found.start, found.end) == (at(-1), at(23)) and found.all_day


def test_a_whole_day_that_was_converted_to_utc_is_the_same_day():
    (found,) = read(days("2026-03-01T23:00:00", "2026-03-02T23:00:00")).events
    assert (found.start, found.end) == (at(-1), at(23))


def test_a_whole_day_on_which_the_clocks_change_has_23_hours():
    window = Window(at(0, 26), at(0, 29))
    (found,) = read(days("2026-03-29T00:00:00", "2026-03-30T00:00:00"), window=window).events
    assert found.end - found.start == timedelta(hours=23)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "W. Europe Standard Time"])
def test_a_zone_other_than_utc_is_understood_by_both_kinds_of_name(zone):
    entry = meeting(0)
    entry["start"] = {"dateTime": "2026-03-02T10:00:00.0000000", "timeZone": zone}
    entry["end"] = {"dateTime": "2026-03-02T11:00:00.0000000", "timeZone": zone}
    assert read(entry).events[0].start == at(9)


@pytest.mark.parametrize("sensitivity", ["private", "confidential", "personal"])
def test_private_events_keep_their_times_and_lose_their_words(sensitivity):
    words = {"subject": "Surgery", "location": {"displayName": "Clinic"}, "categories": ["Health"]}
    (found,) = read(meeting(10, sensitivity=sensitivity, **words), reader=DETAILS).events
    assert found.private and (found.title, found.place, found.categories) == (None, None, ())


@pytest.mark.parametrize(
    ("privacy", "told"),
    [
        (Privacy.BUSY, (None, None, ())),
        (Privacy.CATEGORY, (None, None, ("Customers",))),
        (Privacy.DETAILS, ("Review", "Room 4", ("Customers",))),
    ],
)
def test_words_come_only_as_far_as_the_person_allows(privacy, told):
    words = {"subject": "Review", "location": {"displayName": "Room 4"}, "categories": ["Customers"]}
    (found,) = read(meeting(10, **words), reader=Reader(privacy=privacy)).events
    assert (found.title, found.place, found.categories) == told


def guest(address: str) -> dict:
    return {
        "type": "required",
        "emailAddress": {"name": "", "address": address},
        "status": {"response": "none"},
    }


def test_the_others_are_counted():
    guests = [guest("Alice@Example.org"), guest("bob@example.org"), guest("carol@example.com")]
    assert [found.attendees for found in read(meeting(10, attendees=guests), meeting(11)).events] == [2, None]


@pytest.mark.parametrize(
    "given",
    [
        {"isOnlineMeeting": True},
        {"onlineMeetingUrl": "https://teams.microsoft.com/l/meetup-join/1"},
        {"location": {"displayName": "https://example.zoom.us/j/123"}},
    ],
)
def test_an_online_meeting_is_seen(given):
    assert read(meeting(10, **given)).events[0].online_meeting
    assert not read(meeting(10)).events[0].online_meeting


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"start": None}, "no start"),
        ({"end": {"dateTime": "soon", "timeZone": "UTC"}}, "end is not a date"),
        ({"start": {"dateTime": "2026-03-02T10:00:00", "timeZone": "tzone://Microsoft/Custom"}}, "time zone"),
    ],
)
def test_one_broken_event_is_named_and_the_others_count(given, word):
    reading = read(meeting(10, **given, iCalUId="B4D"), meeting(12))
    assert [found.start for found in reading.events] == [at(12)]
    (problem,) = reading.problems
    assert "B4D" in problem and word in problem and "Budget" not in problem


# -- schedules ------------------------------------------------------------------------------------------------


def item(hour: float, status: str = "busy", hours: float = 1, **given) -> dict:
    entry = meeting(hour, hours)
    return {"status": status, "start": entry["start"], "end": entry["end"], **given}


def schedule(*items, view: str = "") -> Schedule:
    return Schedule(items, view, DAY)


def test_a_schedule_says_what_each_event_shows():
    states = ["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"]
    reading = read_schedule(
        schedule(*(item(hour, state) for hour, state in enumerate(states, 8))), DAY, BERLIN, READER
    )
    assert [found.shows for found in reading.events] == [
        *(Shows.FREE, Shows.TENTATIVE, Shows.BUSY, Shows.OUT_OF_OFFICE, Shows.ELSEWHERE, Shows.BUSY)
    ]


def test_what_begins_and_ends_at_midnight_is_a_whole_day():
    reading = read_schedule(schedule(item(-1, "oof", 24), item(10)), DAY, BERLIN, READER)
    assert [found.all_day for found in reading.events] == [True, False]


def test_words_of_a_schedule_are_never_told():
    told = {"subject": "Review", "location": "Room 4"}
    reading = read_schedule(
        schedule(item(10, **told), item(12, **told, isPrivate=True)), DAY, BERLIN, DETAILS
    )
    assert [(found.title, found.place, found.private) for found in reading.events] == [
        (None, None, False),
        (None, None, True),
    ]


def test_a_mailbox_that_gives_only_slots_is_read_by_them():
    reading = read_schedule(schedule(view="0" * 40 + "2222" + "0011" + "3" + "0" * 47), DAY, BERLIN, READER)
    assert [(found.shows, found.start, found.end) for found in reading.events] == [
        (Shows.BUSY, at(10), at(11)),
        (Shows.TENTATIVE, at(11.5), at(12)),
        (Shows.OUT_OF_OFFICE, at(12), at(12.25)),
    ]


def test_a_broken_item_is_named_and_the_others_count():
    reading = read_schedule(schedule({"status": "busy"}, item(10)), DAY, BERLIN, READER)
    assert len(reading.events) == 1 and "no start" in reading.problems[0]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("5009", NotFound),
        ("ErrorMailRecipientNotFound", NotFound),
        ("ErrorNoFreeBusyAccess", Forbidden),
        ("ErrorProxyRequestProcessingFailed", Unreachable),
    ],
)
def test_a_schedule_that_is_not_given_says_why(code, kind):
    error = {"message": "Unable to resolve e-mail address.", "responseCode": code}
    found = read_schedules({"value": [{"scheduleId": "Bob@example.org", "error": error}]}, DAY)
    assert isinstance(found["bob@example.org"], kind)


# -- automatic replies ----------------------------------------------------------------------------------------


def replies(status: str, start: float = 9, end: float = 17) -> dict:
    entry = meeting(start, end - start)
    return {"status": status, "scheduledStartDateTime": entry["start"], "scheduledEndDateTime": entry["end"]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (replies("disabled"), []),
        (replies("alwaysEnabled"), [(at(0), at(24))]),
        (replies("scheduled"), [(at(9), at(17))]),
        (replies("scheduled", 30, 40), []),
    ],
)
def test_automatic_replies_mean_out_of_office(given, expected):
    events = read_replies(given, DAY, READER).events
    assert [(found.start, found.end) for found in events] == expected
    assert all(found.shows is Shows.OUT_OF_OFFICE for found in events)


def test_replies_that_say_nothing_are_refused():
    with pytest.raises(BadData, match="automatic replies"):
        read_replies({"value": []}, DAY, READER)


# -- envelopes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 100_000])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(BadData):
        read_object(body)


def test_a_page_without_values_is_refused():
    with pytest.raises(BadData, match="collection"):
        read_page({"value": {}})


def test_the_answers_of_a_batch_come_in_any_order():
    document = {
        "responses": [
            {"id": "1", "status": 429, "headers": {"Retry-After": "7"}, "body": {"error": {"code": "x"}}},
            {"id": "0", "status": 200, "body": {"a": 1}},
        ]
    }
    first, second = read_batch(document, 2)
    assert (first.status, first.body) == (200, {"a": 1})
    assert (second.status, second.headers["retry-after"]) == (429, "7")
    with pytest.raises(BadData, match="unanswered"):
        read_batch(document, 3)


@pytest.mark.parametrize("body", [None, [], {"error": "x"}, {"error": {"code": None}}])
def test_an_error_without_words(body):
    assert read_error(body) == ("", "")
