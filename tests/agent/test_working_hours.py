"""Working hours as admins write them become periods on the clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.working_hours import WorkingHours, expand, parse_region, parse_spans
from rules.values import ValueProblem

BERLIN = "Europe/Berlin"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def test_a_week_of_office_hours():
    value = expand(WorkingHours(parse_spans("mon-fri 09:00-17:30"), BERLIN), date(2026, 3, 2), 7)
    assert len(value.working) == 5
    assert (value.working[0].start, value.working[0].end) == (utc(2026, 3, 2, 8), utc(2026, 3, 2, 16, 30))


def test_several_spans_a_day_and_over_midnight():
    spans = (*parse_spans("mon 09:00-12:00 13:00-17:00"), *parse_spans("tue 22:00-06:00"))
    value = expand(WorkingHours(spans, "UTC"), date(2026, 3, 2), 3)
    assert [(one.start, one.end) for one in value.working] == [
        (utc(2026, 3, 2, 9), utc(2026, 3, 2, 12)),
        (utc(2026, 3, 2, 13), utc(2026, 3, 2, 17)),
        (utc(2026, 3, 3, 22), utc(2026, 3, 4, 6)),
    ]


def test_nobody_works_on_a_public_holiday_of_the_region():
    hours = WorkingHours(parse_spans("mon-fri 09:00-17:00"), BERLIN, parse_region("DE-BY"))
    epiphany = date(2026, 1, 6)
    value = expand(hours, epiphany, 2)
    assert [(one.start, one.end) for one in value.holidays] == [(utc(2026, 1, 5, 23), utc(2026, 1, 6, 23))]
    assert value.holidays[0].label
    assert [one.start for one in value.working] == [utc(2026, 1, 7, 8)]
    assert not expand(WorkingHours(hours.spans, BERLIN, parse_region("DE-BE")), epiphany, 2).holidays


def test_clocks_that_change():
    """At night on 29 March 2026 the clocks of Berlin go forward from 2 to 3."""
    value = expand(WorkingHours(parse_spans("sat 22:00-06:00"), BERLIN), date(2026, 3, 28), 1)
    assert value.working[0].end - value.working[0].start == timedelta(hours=7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mon-fri", "write it like mon-fri 09:00-17:30"),
        ("", "write it like"),
        ("man-fri 09:00-17:00", "`man` is not a weekday"),
        ("mon 9-17", "not a time of day"),
        ("mon 09:00-09:00", "has no length"),
        ("mon 09:00", "write it like 09:00-17:30"),
        ("mon 24:00-09:00", "has no length"),
    ],
)
def test_what_is_no_working_time_says_how_to_write_one(text, words):
    with pytest.raises(ValueProblem, match=words):
        parse_spans(text)


@pytest.mark.parametrize(("text", "words"), [("ZZ", "country like DE"), ("DE-XX", "known: BB"), ("", "DE")])
def test_regions_that_nobody_knows(text, words):
    with pytest.raises(ValueProblem, match=words):
        parse_region(text)


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.sampled_from([BERLIN, "UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.sampled_from(
        ["mon-sun 00:00-24:00", "mon-fri 09:00-17:30", "sat,sun 22:00-06:00", "mon-sun 01:30-02:30"]
    ),
)
def test_periods_are_sorted_and_never_empty(first, timezone, text):
    value = expand(WorkingHours(parse_spans(text), timezone, ("DE", None)), first, 10)
    for periods in (value.working, value.holidays):
        assert list(periods) == sorted(periods, key=lambda one: one.start)
        assert all(one.start < one.end for one in periods)
    starts = {one.start for one in value.holidays}
    assert not starts & {one.start for one in value.working}
