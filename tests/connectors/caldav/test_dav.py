"""WebDAV answers as servers write them, and as they should not."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Link
from connectors.caldav.bodies import events_between
from connectors.caldav.dav import Changes, Listed, StoredObject, read_changes, read_home, read_objects
from connectors.caldav.discovery import same_house
from connectors.caldav.mapping import chosen, source_of, surveyed
from connectors.caldav.settings import CalDavSettings
from connectors.errors import BadData
from connectors.ical.fact import reader_of
from connectors.ical.window import wears_out, window_at
from connectors.safe_xml import parse
from tests.support.clock import MONDAY_NINE

HEAD = b'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/">'
CALENDAR = b"<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>"


def answer(href: bytes, prop: bytes, status: bytes = b"HTTP/1.1 200 OK", rest: bytes = b"") -> bytes:
    return (
        b"<d:response><d:href>" + href + b"</d:href><d:propstat><d:prop>" + prop + b"</d:prop><d:status>" + status
        + b"</d:status></d:propstat>" + rest + b"</d:response>"
    )  # fmt: skip


def listed(*answers: bytes) -> tuple[Listed, ...]:
    return read_home(HEAD + b"".join(answers) + b"</d:multistatus>").calendars


def test_calendars_are_told_from_what_is_none():
    kinds = b"<c:supported-calendar-component-set>%s</c:supported-calendar-component-set>"
    todo = kinds % b'<c:comp name="VTODO"/>'
    both = kinds % b'<c:comp name="VTODO"/><c:comp name="VEVENT"/>'
    named = b"<d:displayname> Work </d:displayname><d:sync-token>s1</d:sync-token><cs:getctag>7</cs:getctag>"
    found = listed(
        answer(b"/h/", b"<d:resourcetype><d:collection/></d:resourcetype>"),
        answer(b"/h/tasks/", CALENDAR + todo),
        answer(b"/h/b%C3%BCro/", CALENDAR + both + b"<cs:getctag>7</cs:getctag>"),
        answer(b"/h/work/", CALENDAR + named),
    )  # fmt: skip
    assert [(entry.name, entry.slug, entry.token) for entry in found] == [
        ("büro", "büro", "7"),
        ("Work", "work", "s1"),
    ]


def test_a_property_that_was_not_found_is_not_empty_but_absent():
    missing = (
        b"<d:propstat><d:prop><d:sync-token/><d:displayname/></d:prop>"
        b"<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
    )
    (found,) = listed(answer(b"/h/work/", CALENDAR, rest=missing))
    assert (found.name, found.token) == ("work", None)


def test_a_transparent_calendar_counts_only_when_chosen():
    transp = b"<c:schedule-calendar-transp><c:transparent/></c:schedule-calendar-transp>"
    found = listed(answer(b"/h/fun/", CALENDAR + transp), answer(b"/h/work/", CALENDAR))
    assert [meaning for _, meaning in chosen(found, {})[0]] == ["work"]
    assert chosen(found, {"fun": "private", "gone": "x"})[1] == ["gone"]
    assert [meaning for _, meaning in chosen(found, {"fun": "private"})[0]] == ["private"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Login</body></html>",
        b"<a><b></a>",
        b"\xff\xfe\x00",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    ],
)
def test_what_is_no_multistatus_is_bad_data(body):
    with pytest.raises(BadData):
        read_home(body)


def test_a_very_deep_document_is_bad_data():
    with pytest.raises(BadData):
        parse(b"<a>" * 100_000)


def test_objects_come_with_their_entity_tags():
    body = HEAD + answer(
        b"/h/work/1.ics", b'<d:getetag>"7"</d:getetag><c:calendar-data>BEGIN</c:calendar-data>'
    )
    assert read_objects(body + b"</d:multistatus>") == [StoredObject("/h/work/1.ics", "BEGIN", '"7"')]


def test_what_a_sync_report_says_of_changed_and_gone_objects_and_of_being_cut_short():
    gone = (
        b"<d:response><d:href>/h/work/2.ics</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>"
    )
    cut = b"<d:response><d:href>/h/work/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>"
    own = answer(b"/h/work/", b"<d:getetag>x</d:getetag>")
    changed = answer(b"/h/work/1%20a.ics", b'<d:getetag>"7"</d:getetag>')
    token = b"<d:sync-token>t2</d:sync-token></d:multistatus>"
    expected = Changes(frozenset({"/h/work/1%20a.ics"}), frozenset({"/h/work/2.ics"}), "t2", False)
    assert read_changes(HEAD + own + changed + gone + token, "/h/work/") == expected
    assert read_changes(HEAD + cut + token, "/h/w%6Frk/") == Changes(frozenset(), frozenset(), "t2", True)


@pytest.mark.parametrize(
    ("wanted", "counting"),
    [
        ({}, {"Work": "Work", "Home": "Home"}),
        ({"Work": "job"}, {"Work": "job"}),
        ({"work": True}, {"Work": "Work"}),
        ({"Home": False}, {"Work": "Work"}),
        ({"Home": "private", "*": "job"}, {"Home": "private", "Work": "job"}),
        ({"*": "job", "Home": False}, {"Work": "job"}),
        ({"Fun": True, "*": True}, {"Fun": "Fun", "Home": "Home", "Work": "Work"}),
        ({"*": False, "Work": True}, {"Work": "Work"}),
    ],
)
def test_which_calendars_count_and_what_they_mean(wanted, counting):
    there = [
        Listed("/h/work/", "Work", "1"),
        Listed("/h/home/", "Home", "1"),
        Listed("/h/fun/", "Fun", "1", True),
    ]
    found, missing = chosen(there, wanted)
    assert {calendar.name: meaning for calendar, meaning in found} == counting
    assert missing == []
    seen = surveyed(there, wanted)
    assert {each.name for each in seen if each.counts} == counting.keys()
    assert all(each.why for each in seen if not each.counts)


def test_the_time_range_is_in_utc():
    start = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    assert b'start="20260302T080000Z" end="20260302T090000Z"' in events_between(start, start.replace(hour=10))


def test_the_window_wears_out_while_it_still_covers_the_staleness():
    settings = CalDavSettings.model_validate({"url": "https://x", "username": "a"})
    window = window_at(MONDAY_NINE, settings)
    worn = wears_out(window, settings)
    assert MONDAY_NINE < worn < window.end - settings.stale_after
    with pytest.raises(ValueError, match="stale_after"):
        CalDavSettings.model_validate(
            {"url": "https://x", "username": "a", "ahead": "2h", "stale_after": "4h"}
        )


def test_names_of_streams_and_persons():
    link = Link("alice-work", "caldav", "alice", {}, addresses=("MAILTO:Alice@Example.org ",))
    settings = CalDavSettings.model_validate({"url": "https://x", "username": "a"})
    assert source_of(link, Listed("/h/b%20c/", "Renamed", None, False)) == "caldav:alice-work/b c"
    assert reader_of(link, settings).addresses == {"alice@example.org"}


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("https://cal.example.org/", "https://cal.example.org/x", True),
        ("https://caldav.icloud.com/", "https://p07-caldav.icloud.com/1/", True),
        ("http://caldav.icloud.com/", "http://p07-caldav.icloud.com/1/", False),
        ("https://cal.example.org/", "http://cal.example.org/", False),
        ("https://cal.example.org/", "https://evil.example.com/", False),
        ("https://example.org/", "https://evil.org/", False),
        ("https://cal.example.org/", "https://cal.example.org:8443/", True),
    ],
)
def test_where_a_password_may_go(url, other, same):
    assert same_house(url, other) is same
