"""Calls from what phones report, some of it lost, late or without names."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import busiest
from connectors.facts import CallState
from connectors.phone.events import LATE, MOST_CALLS, Calls, Event, Report
from tests.support.clock import MONDAY_NINE as NOW


def after(*reports: Report | str) -> CallState:
    calls = Calls()
    for number, report in enumerate(reports):
        if isinstance(report, str):
            event, _, call_id = report.partition(" ")
            report = Report(Event(event), call_id or None)
        calls.take(report, NOW + timedelta(seconds=number))
    return busiest(calls.seen()).state


def test_a_call_from_beginning_to_end():
    assert after("incoming 1") is CallState.RINGING
    assert after("incoming 1", "established 1") is CallState.TALKING
    assert after("incoming 1", "established 1", "hold 1") is CallState.HELD
    assert after("incoming 1", "established 1", "hold 1", "unhold 1") is CallState.TALKING
    assert after("incoming 1", "established 1", "terminated 1") is CallState.IDLE
    assert after("outgoing 1") is CallState.TALKING, "who dials is on the phone"


def test_a_second_call_rings_while_the_first_goes_on():
    assert after("incoming 1", "established 1", "incoming 2", "terminated 2") is CallState.TALKING
    assert after("incoming 1", "established 1", "incoming 2", "terminated 1") is CallState.RINGING


def test_calls_without_names_are_counted():
    assert after("incoming", "established", "terminated") is CallState.IDLE
    assert after("incoming", "established", "incoming", "missed") is CallState.TALKING
    assert after("incoming", "established", "incoming", "missed", "terminated") is CallState.IDLE
    assert after("outgoing", "onhook") is CallState.IDLE


def test_the_far_end_tells_calls_without_names_apart():
    one = {event: Report(event, remote="1001") for event in Event}
    two = {event: Report(event, remote="1002") for event in Event}
    begun = (one[Event.INCOMING], one[Event.ESTABLISHED], two[Event.INCOMING])
    assert after(*begun, one[Event.TERMINATED]) is CallState.RINGING
    assert after(*begun, two[Event.TERMINATED]) is CallState.TALKING


def test_idle_ends_what_was_lost():
    assert after("incoming 1", "established 1", "incoming 2", "idle") is CallState.IDLE
    assert after("incoming", "established", "idle", "incoming") is CallState.RINGING


def test_the_number_of_calls_is_believed():
    assert after("incoming 1", "established 1", Report(Event.TERMINATED, "2", count=0)) is CallState.IDLE
    assert after("incoming 1", Report(Event.INCOMING, "2", count=2)) is CallState.RINGING


def test_busy_is_a_call_only_where_its_beginning_was_lost():
    assert after("busy") is CallState.TALKING
    assert after("incoming 1", "busy") is CallState.RINGING


def test_off_hook_is_no_call():
    assert after("offhook") is CallState.IDLE


def test_what_comes_late_does_not_bring_a_call_back():
    assert after("incoming 1", "terminated 1", "established 1") is CallState.IDLE
    calls = Calls()
    calls.take(Report(Event.TERMINATED, "1"), NOW)
    calls.take(Report(Event.INCOMING, "1"), NOW + LATE)
    assert busiest(calls.seen()).state is CallState.RINGING, "names are used again some day"


@given(
    st.lists(
        st.builds(
            Report,
            st.sampled_from(Event),
            st.sampled_from([None, "1", "2", "3"]),
            st.sampled_from([None, "1001", "1002"]),
            st.sampled_from([None, 0, 1, 2]),
        ),
        max_size=60,
    )
)
def test_whatever_comes_the_phone_is_idle_after_idle_and_nothing_grows(reports):
    calls = Calls()
    for number, report in enumerate(reports):
        calls.take(report, NOW + timedelta(seconds=number))
        assert len(calls.seen()) <= MOST_CALLS
        assert (
            report.count is None or report.event not in (Event.INCOMING,) or len(calls.seen()) <= report.count
        )
    calls.take(Report(Event.IDLE), NOW)
    assert calls.seen() == []
