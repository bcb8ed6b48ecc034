"""Times: zones, repetitions, exceptions, clock changes, and what is broken."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadData, Misconfigured
from connectors.ical.read import read
from tests.connectors.ical.texts import ALICE, MONDAY, calendar, event, read_day, times

CUSTOM_ZONE = """BEGIN:VTIMEZONE\r
TZID:Head office\r
BEGIN:STANDARD\r
DTSTART:16010101T030000\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010101T020000\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r
END:DAYLIGHT\r
END:VTIMEZONE"""


HOUR = ("DTSTART:20260302T090000Z", "DURATION:PT1H")


def timed(start: str, *more: str, hours: int = 1, uid: str = "1") -> str:
    return event(f"DTSTART{start}", f"DURATION:PT{hours}H", *more, uid=uid)


@pytest.mark.parametrize(
    "start",
    [
        ";TZID=Europe/Berlin:20260302T100000",
        ';TZID="Europe/Berlin":20260302T100000',
        ";TZID=W. Europe Standard Time:20260302T100000",
        ";TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260302T100000",
        ";TZID=/citadel.org/20070227_1/Europe/Berlin:20260302T100000",
        ";TZID=tzone://Microsoft/Utc:20260302T090000",
        ';TZID="tzone://Microsoft/Utc":20260302T090000',
        ":20260302T090000Z",
        ":20260302T100000",
        ";TZID=America/New_York:20260302T040000",
        ";TZID=Asia/Kolkata;X-VOBJ-ORIGINAL-TZID=India:20260302T143000",
    ],
)
def test_every_way_to_write_nine_o_clock_utc(start):
    reading = read_day(timed(start))
    assert times(reading) == [("02T09:00", "02T10:00")]
    assert reading.problems == ()


def test_a_custom_zone_is_read_from_its_body_on_both_sides_of_a_clock_change():
    winter = timed(";TZID=Head office:20260302T100000", uid="w")
    summer = timed(";TZID=Head office:20260702T100000", uid="s")
    assert times(read_day(CUSTOM_ZONE, winter)) == [("02T09:00", "02T10:00")]
    july = datetime(2026, 7, 2, tzinfo=UTC)
    assert times(read_day(CUSTOM_ZONE, summer, start=july)) == [("02T08:00", "02T09:00")]


def test_a_known_name_wins_over_a_wrong_body():
    wrong = CUSTOM_ZONE.replace("Head office", "Europe/Berlin").replace("+0100", "+0500")
    assert times(read_day(wrong, timed(";TZID=Europe/Berlin:20260302T100000"))) == [("02T09:00", "02T10:00")]


def test_an_unknown_zone_is_read_in_the_persons_zone_and_reported():
    reading = read_day(timed(";TZID=Middle Earth:20260302T100000"))
    assert times(reading) == [("02T09:00", "02T10:00")]
    assert "Middle Earth" in reading.problems[0] and "Europe/Berlin" in reading.problems[0]


def test_floating_times_and_whole_days_are_the_persons():
    assert times(read_day(timed(":20260302T100000"), zone="America/New_York")) == [("02T15:00", "02T16:00")]
    day = event("DTSTART;VALUE=DATE:20260302", "TRANSP:OPAQUE")
    assert times(read_day(day, zone="America/New_York")) == [("02T05:00", "03T05:00")]
    assert times(read_day(day, zone="Pacific/Auckland")) == [("01T11:00", "02T11:00")]


def test_a_whole_day_lasts_23_or_25_hours_when_clocks_change():
    spring = event("DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330", "TRANSP:OPAQUE")
    assert times(read_day(spring, start=datetime(2026, 3, 29, tzinfo=UTC))) == [("28T23:00", "29T22:00")]
    autumn = event("DTSTART;VALUE=DATE:20261025", "DURATION:P1D", "TRANSP:OPAQUE")
    assert times(read_day(autumn, start=datetime(2026, 10, 25, tzinfo=UTC))) == [("24T22:00", "25T23:00")]


def test_exact_durations_in_gap_and_fold():
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
    gap = timed(";TZID=Europe/Berlin:20260329T023000")
    assert times(read_day(gap, start=spring)) == [("29T01:30", "29T02:30")]
    fold = timed(";TZID=Europe/Berlin:20261025T023000")
    assert times(read_day(fold, start=autumn)) == [("25T00:30", "25T01:30")]
    day = event("DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:P1D")
    assert times(read_day(day, start=spring)) == [("28T11:00", "29T10:00")]
    hours = event("DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:PT24H")
    assert times(read_day(hours, start=spring)) == [("28T11:00", "29T11:00")]


def test_a_daily_series_in_gap_keeps_its_length():
    series = timed(";TZID=Europe/Berlin:20260327T023000", "RRULE:FREQ=DAILY;COUNT=4")
    reading = read_day(series, start=datetime(2026, 3, 28, tzinfo=UTC), days=3)
    assert times(reading) == [("28T01:30", "28T02:30"), ("29T01:30", "29T02:30"), ("30T00:30", "30T01:30")]


def test_a_series_follows_the_wall_clock_of_its_own_zone():
    series = timed(";TZID=America/New_York:20260305T090000", "RRULE:FREQ=DAILY")
    reading = read_day(series, start=datetime(2026, 3, 7, tzinfo=UTC), days=3)
    assert times(reading) == [("07T14:00", "07T15:00"), ("08T13:00", "08T14:00"), ("09T13:00", "09T14:00")]


@pytest.mark.parametrize(
    "until",
    ["20260304T090000Z", "20260304T100000", "20260304", "20260304T225959Z", "20260304T100000;WKST=MO"],
)
def test_until_includes_the_last_occurrence_however_it_is_written(until):
    series = timed(";TZID=Europe/Berlin:20260302T100000", f"RRULE:FREQ=DAILY;UNTIL={until}")
    assert times(read_day(series, days=7)) == [
        ("02T09:00", "02T10:00"),
        ("03T09:00", "03T10:00"),
        ("04T09:00", "04T10:00"),
    ]


@pytest.mark.parametrize("until", ["20260303", "20260303T000000", "20260303T110000Z"])
def test_until_of_whole_days(until):
    series = event("DTSTART;VALUE=DATE:20260302", f"RRULE:FREQ=DAILY;UNTIL={until}", "TRANSP:OPAQUE")
    assert times(read_day(series, days=7)) == [("01T23:00", "02T23:00"), ("02T23:00", "03T23:00")]


@pytest.mark.parametrize(
    "exdate",
    [
        ";TZID=Europe/Berlin:20260303T100000",
        ":20260303T090000Z",
        ";VALUE=DATE:20260303",
        ";TZID=America/New_York:20260303T040000",
        ":20260303T100000",
    ],
)
def test_excluded_dates_however_they_are_written(exdate):
    series = timed(";TZID=Europe/Berlin:20260302T100000", "RRULE:FREQ=DAILY;COUNT=3", f"EXDATE{exdate}")
    assert times(read_day(series, days=7)) == [("02T09:00", "02T10:00"), ("04T09:00", "04T10:00")]


def test_moved_cancelled_and_shortened_occurrences():
    series = timed(";TZID=Europe/Berlin:20260302T100000", "RRULE:FREQ=DAILY;COUNT=4")
    moved = timed(
        ";TZID=America/New_York:20260303T100000", "RECURRENCE-ID;TZID=Europe/Berlin:20260303T100000", hours=2
    )
    cancelled = timed(":20260304T090000Z", "RECURRENCE-ID:20260304T090000Z", "STATUS:CANCELLED")
    assert times(read_day(series, moved, cancelled, days=7)) == [
        ("02T09:00", "02T10:00"),
        ("03T15:00", "03T17:00"),
        ("05T09:00", "05T10:00"),
    ]


def test_this_and_future_moves_the_rest():
    series = timed(":20260302T090000Z", "RRULE:FREQ=DAILY;COUNT=4")
    later = timed(":20260304T110000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260304T090000Z", hours=2)
    assert times(read_day(series, later, days=7)) == [
        ("02T09:00", "02T10:00"),
        ("03T09:00", "03T10:00"),
        ("04T11:00", "04T13:00"),
        ("05T11:00", "05T13:00"),
    ]


def test_added_dates_and_periods():
    series = timed(
        ":20260302T090000Z",
        "RDATE:20260302T140000Z",
        "RDATE;VALUE=PERIOD:20260302T160000Z/PT3H,20260302T200000Z/20260302T203000Z",
    )
    assert times(read_day(series)) == [
        ("02T09:00", "02T10:00"),
        ("02T14:00", "02T15:00"),
        ("02T16:00", "02T19:00"),
        ("02T20:00", "02T20:30"),
    ]


def test_overrides_without_their_master_count():
    one = timed(":20260302T090000Z", "RECURRENCE-ID:20260301T090000Z")
    two = timed(":20260302T120000Z", "RECURRENCE-ID:20260302T090000Z")
    assert times(read_day(one, two)) == [("02T09:00", "02T10:00"), ("02T12:00", "02T13:00")]


def test_single_events_that_share_a_uid_are_separate():
    assert len(read_day(timed(":20260302T090000Z"), timed(":20260302T140000Z")).events) == 2


def test_an_end_before_the_start_is_swapped():
    backward = event("DTSTART:20260302T100000Z", "DTEND:20260302T090000Z")
    assert times(read_day(backward)) == [("02T09:00", "02T10:00")]


def test_what_overlaps_the_window_edges_counts_and_what_touches_them_does_not():
    over = event("DTSTART:20260301T230000Z", "DTEND:20260302T010000Z", uid="over")
    touching = event("DTSTART:20260301T230000Z", "DTEND:20260302T000000Z", uid="touching")
    after = event("DTSTART:20260303T000000Z", "DTEND:20260303T010000Z", uid="after")
    long = event("DTSTART:20260201T000000Z", "DTEND:20260401T000000Z", uid="long")
    assert [found.uid for found in read_day(over, touching, after, long).events] == ["long", "over"]


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        pytest.param(("SUMMARY:lost",), "DTSTART", id="no-start"),
        pytest.param(("DTSTART:soon",), "soon", id="start-is-no-date"),
        pytest.param(("DTSTART:20260231T090000Z",), "20260231", id="thirtieth-of-february"),
        pytest.param(("DTSTART:20260302T090000Z", "DURATION:1 hour"), "1 hour", id="duration"),
        pytest.param(("DTSTART:20260302T090000Z", "DURATION:P999999999D"), "century", id="duration-of-ages"),
        pytest.param((*HOUR, "RRULE:FREQ=SECONDLY"), "SECONDLY", id="secondly"),
        pytest.param((*HOUR, "RRULE:FREQ=MINUTELY"), "MINUTELY", id="minutely"),
        pytest.param((*HOUR, "RRULE:BYDAY=MO"), "FREQ", id="no-frequency"),
        pytest.param((*HOUR, "RRULE:FREQ=DAILY;COUNT=x"), "repetition", id="count"),
        pytest.param((*HOUR, "RRULE:FREQ=DAILY;UNTIL=never"), "UNTIL", id="until"),
        pytest.param(("DTSTART:20260302T090000Z", "DURATION:P100D", "RRULE:FREQ=DAILY"), "60 days", id="long-repeated"),
        pytest.param(
            (*HOUR, "RRULE:FREQ=DAILY;RSCALE=CHINESE"), "RSCALE", id="rscale"
        ),
        pytest.param(
            (
                "DTSTART:20260302T090000Z",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9;"
                "BYSECOND=0,1,2,3,4,5,6,7,8,9,10",
            ),
            "combinations",
            id="combinations",
        ),
        pytest.param(
            (*HOUR, "EXDATE:" + ",".join(["20260303T090000Z"] * 2001)),
            "2000",
            id="many-exdates",
        ),
    ],
)  # fmt: skip
def test_a_broken_event_is_named_and_the_others_count(lines, word):
    reading = read_day(event(*lines, uid="broken-one"), timed(":20260302T120000Z", uid="good"))
    assert [found.uid for found in reading.events] == ["good"]
    (problem,) = reading.problems
    assert word in problem and ("broken-one" in problem or "lost" in problem)


@pytest.mark.parametrize(
    "odd",
    [
        "X-JUNK WITHOUT COLON",
        "",
        "ATTENDEE;CN=\"unclosed:mailto:x@y",
        "DESCRIPTION:" + "long " * 30_000,
        "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nDTSTART:19990101T000000\r\nEND:VALARM",
        "DTSTART:20270101T000000Z",
        "BEGIN:X-THING\r\nBEGIN:X-INNER",
    ],
)  # fmt: skip
def test_odd_lines_do_not_matter(odd):
    assert times(read_day(timed(":20260302T090000Z", odd))) == [("02T09:00", "02T10:00")]


def test_line_endings_folding_and_marks():
    text = calendar(timed(";TZID=Europe/Berlin:20260302T100000", "SUMMARY:A long\r\n  title")).replace(
        "\r\n", "\n"
    )
    reading = read("\ufeff" + text, MONDAY, MONDAY + timedelta(days=1), "Europe/Berlin", ALICE)
    assert reading.events[0].title == "A long title"


@pytest.mark.parametrize("text", ["", "<html>", "BEGIN:VCARD\r\nEND:VCARD\r\n"])
def test_what_is_no_calendar_is_said_to_be_none(text):
    with pytest.raises(BadData, match="not an iCalendar"):
        read(text, MONDAY, MONDAY + timedelta(days=1), "UTC", ALICE)


def test_an_unknown_home_zone_is_the_settings_fault():
    with pytest.raises(Misconfigured, match="Berlin time"):
        read(calendar(), MONDAY, MONDAY + timedelta(days=1), "Berlin time", ALICE)


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])


@given(
    zone=ZONES,
    start=st.datetimes(MONDAY.replace(tzinfo=None), MONDAY.replace(year=2027, tzinfo=None)),
    minutes=st.integers(1, 3000),
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 4),
    offset=st.integers(0, 500),
)
def test_every_occurrence_lasts_as_long_as_the_first_and_is_seen_through_any_window(
    zone, start, minutes, frequency, interval, offset
):
    start = start.replace(microsecond=0)
    begin = (start.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    end = begin + timedelta(minutes=minutes)
    series = event(
        f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}",
        f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        f"RRULE:FREQ={frequency};INTERVAL={interval}",
    )
    window = begin + timedelta(days=offset)
    whole = read_day(series, start=window, days=4)
    assert whole.problems == ()
    assert all(found.end - found.start == timedelta(minutes=minutes) for found in whole.events)
    halves = (*read_day(series, start=window, days=2).events,
              *read_day(series, start=window + timedelta(days=2), days=2).events)  # fmt: skip
    assert set(halves) == set(whole.events)
    if offset == 0:
        assert begin in {found.start for found in whole.events}


@given(st.text(alphabet='BEGIN:VTDSAR;="\r\n ZLUX-0123456789,/P+', max_size=300))
def test_no_text_raises_anything_but_words(junk):
    for text in (junk, calendar(event(junk)), calendar(timed(":20260302T090000Z", junk))):
        try:
            reading = read(text, MONDAY, MONDAY + timedelta(days=1), "UTC", ALICE)
        except BadData:
            continue
        assert all(found.start < found.end for found in reading.events)


NAMES = st.sampled_from(
    ["DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS"]
)
VALUES = st.sampled_from(
    ["20260302T090000Z", "20260302", "PT1H", "-P1D", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,XX", "FREQ=DAILY;COUNT=0",
     "FREQ=YEARLY;BYMONTH=13", "00010101T000000Z", "99991231T235959Z", "99991231", "20260302T090000Z/PT1H",
     "FREQ=DAILY;INTERVAL=0", "FREQ=MONTHLY;BYSETPOS=-1", "", ",", "CANCELLED", "00000000T000000"]
)  # fmt: skip


@given(st.lists(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=6), min_size=1, max_size=3))
def test_no_combination_of_properties_raises(events):
    components = [event(*(f"{name}:{value}" for name, value in lines)) for lines in events]
    reading = read_day(*components)
    assert all(found.start < found.end for found in reading.events)
