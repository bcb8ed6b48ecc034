"""Due times and waits."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import AuthFailed, Misconfigured, Refused, Unreachable
from connectors.schedule import MAX_LISTENING_BACKOFF, DueQueue, backoff, first_delay, jittered, paced
from connectors.settings import PollSettings, parse_duration


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 100)), max_size=60),
    st.floats(0, 100),
    st.integers(0, 10),
)
def test_the_queue_is_a_dictionary_of_due_times(puts, now, most):
    queue, model = DueQueue(), {}
    for link, due in puts:
        queue.put(link, due)
        model[link] = due
    assert len(queue) == len(model) and all(queue.due(link) == due for link, due in model.items())
    taken = queue.pop_due(now, most)
    ready = sorted((due, link) for link, due in model.items() if due <= now)
    assert [due for _, due in taken] == [due for due, _ in ready[:most]]
    assert {link for link, _ in taken}.isdisjoint(link for link in model if queue.due(link) is not None)
    assert len(queue) == len(model) - len(taken)


def test_a_discarded_link_is_never_due():
    queue = DueQueue()
    queue.put("a", 1.0)
    queue.discard("a")
    assert queue.pop_due(5.0, 10) == [] and queue.due("a") is None


def test_waits_double_up_to_a_quarter_of_an_hour():
    assert [backoff(Unreachable("x"), failures, 60) for failures in (1, 2, 3, 4, 5, 50)] == [
        60,
        120,
        240,
        480,
        900,
        900,
    ]
    assert backoff(Unreachable("x"), 3, 3600) == 3600


def test_who_listens_is_back_within_a_minute():
    assert [backoff(Unreachable("x"), failures, 5, MAX_LISTENING_BACKOFF) for failures in (1, 2, 9)] == [
        5,
        10,
        60,
    ]
    assert backoff(Unreachable("x", retry_after=300), 1, 5, MAX_LISTENING_BACKOFF) == 300


def test_what_a_person_has_to_mend_is_not_hammered():
    for error in (AuthFailed("x"), Refused("x"), Misconfigured("x")):
        assert [backoff(error, failures, 1) for failures in (1, 2, 9)] == [300, 600, 21600]


def test_retry_after_is_a_lower_bound_of_a_day_at_most():
    assert backoff(Unreachable("x", retry_after=300), 1, 60) == 300
    assert backoff(Unreachable("x", retry_after=1), 4, 60) == 480
    assert backoff(Unreachable("x", retry_after=1e9), 1, 60) == 86400


@given(st.floats(1, 1e5), st.floats(0, 1))
def test_jitter_is_a_tenth(seconds, chance):
    assert seconds * 0.899 <= jittered(seconds, chance) <= seconds * 1.101


def test_the_first_polls_spread_with_the_number_of_links():
    assert first_delay(60, 4, 1.0) == 0.04
    assert first_delay(60, 100_000, 1.0) == 60


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), (" 2d ", 172800), (45, 45), ("250ms", 0.25)]
)
def test_durations(text, seconds):
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["soon", "5 parsecs", "1h then", "-5m"])
def test_what_is_no_duration_says_what_one_looks_like(text):
    with pytest.raises(ValueError, match="90s, 5m"):
        PollSettings.model_validate({"interval": text})


BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2026, 3, 3, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("hour", "minute", "day", "wait"),
    [
        (10, 0, 0, 60),
        (7, 0, 0, 60),
        (20, 0, 0, 120),
        (6, 30, 0, 120),
        (10, 0, 4, 120),
        (23, 0, 0, 300),
        (3, 0, 0, 300),
        (13, 49, 0, 60),
        (13, 51, 0, 30),
        (15, 4, 0, 30),
        (15, 6, 0, 60),
    ],
)
def test_the_pace_suits_the_hour_and_what_is_about_to_happen(hour, minute, day, wait):
    meeting = [TUESDAY.replace(hour=14).astimezone(UTC), TUESDAY.replace(hour=15).astimezone(UTC)]
    now = TUESDAY.replace(hour=hour, minute=minute) + timedelta(days=day)
    assert paced(60, now, meeting) == wait


@given(st.floats(1, 86400), st.integers(0, 365 * 24 * 60))
def test_no_pace_is_more_seldom_than_a_quarter_of_an_hour_or_the_interval(interval, minutes):
    now = TUESDAY + timedelta(minutes=minutes)
    assert interval / 2 <= paced(interval, now, [now]) <= paced(interval, now, []) <= max(900, interval)
