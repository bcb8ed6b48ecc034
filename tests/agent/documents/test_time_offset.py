"""Where it is another time: the offset, and the change of the clocks that lies ahead."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.documents.data_model import Person
from agent.documents.pidf import Presence, build, parse
from agent.documents.time_offset import time_offsets
from agent.presence.composition import Input, compose

START = datetime(2020, 1, 1, tzinfo=UTC)
WINTER = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


def test_the_change_that_lies_ahead_is_announced():
    now, then = time_offsets("Europe/Berlin", WINTER)
    assert (now.minutes, now.from_, now.until) == (60, None, SPRING)
    assert (then.minutes, then.from_, then.until) == (120, SPRING, AUTUMN)
    assert now.description == "Europe/Berlin"


@pytest.mark.parametrize(("zone", "minutes"), [("UTC", 0), ("Asia/Kolkata", 330), ("Asia/Kathmandu", 345)])
def test_where_clocks_never_change(zone, minutes):
    (only,) = time_offsets(zone, WINTER)
    assert (only.minutes, only.until) == (minutes, None)


def test_no_zone_of_that_name():
    with pytest.raises(ZoneInfoNotFoundError):
        time_offsets("Europe/Entenhausen", WINTER)


@given(
    st.sampled_from(
        ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Europe/London"]
    ),
    st.integers(0, 15 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.floats(0, 1),
)
def test_at_each_moment_the_one_that_holds_is_right(zone, now, part):
    offsets = time_offsets(zone, now)
    end = offsets[-1].until or now + timedelta(days=30)
    moment = now + (end - now) * part
    holding = [
        each
        for each in offsets
        if (each.from_ is None or each.from_ <= moment) and (each.until is None or moment < each.until)
    ]
    if moment < end:
        (one,) = holding
        assert timedelta(minutes=one.minutes) == moment.astimezone(ZoneInfo(zone)).utcoffset()


def test_watchers_are_shown_the_new_offset_at_the_second_of_the_change():
    document = Presence("sip:a@example.org", persons=(Person("p", time_offsets("Europe/Berlin", WINTER)),))
    source = Input("a", parse(build(document)), 50, WINTER)
    before = compose("sip:a@example.org", [source], SPRING - timedelta(seconds=1))
    assert before.next_boundary == SPRING
    after = compose("sip:a@example.org", [source], SPRING)
    assert [each.minutes for each in before.document.persons[0].elements] == [60]
    assert [each.minutes for each in after.document.persons[0].elements] == [120]
