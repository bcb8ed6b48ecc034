"""What several calls amount to, and how long a phone must be gone."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import CallSeen, OfflineGrace, busiest, call_value
from connectors.facts import CallState, ReachState
from tests.support.clock import MONDAY_NINE

SECOND = timedelta(seconds=1)


def test_no_call_is_idle() -> None:
    assert busiest([]).state is CallState.IDLE


def test_a_call_counts_more_than_a_ring_and_a_held_one_less_than_a_talk() -> None:
    calls = [CallSeen(CallState.RINGING, "in"), CallSeen(CallState.TALKING), CallSeen(CallState.HELD)]
    assert busiest(calls).state is CallState.TALKING
    assert busiest(calls[::2]).state is CallState.HELD


def test_a_state_that_goes_on_keeps_its_beginning() -> None:
    first = call_value([CallSeen(CallState.TALKING)], None, MONDAY_NINE)
    again = call_value([CallSeen(CallState.TALKING)], first, MONDAY_NINE + SECOND)
    held = call_value([CallSeen(CallState.HELD)], again, MONDAY_NINE + 2 * SECOND)
    assert again.since == MONDAY_NINE
    assert held.since == MONDAY_NINE + 2 * SECOND


def test_a_source_that_knows_when_it_began_is_believed_but_not_about_the_future() -> None:
    began = MONDAY_NINE - timedelta(minutes=5)
    known = call_value([CallSeen(CallState.TALKING, began=began)], None, MONDAY_NINE)
    assert known.since == began
    wrong = call_value([CallSeen(CallState.TALKING, began=MONDAY_NINE + SECOND)], None, MONDAY_NINE)
    assert wrong.since == MONDAY_NINE


def test_offline_is_said_only_after_the_grace_and_not_if_it_comes_back() -> None:
    grace = OfflineGrace(timedelta(seconds=45))
    assert grace.heard(ReachState.OFFLINE, MONDAY_NINE) is None
    assert grace.heard(ReachState.OFFLINE, MONDAY_NINE + 30 * SECOND) is None
    assert grace.heard(ReachState.REGISTERED, MONDAY_NINE + 40 * SECOND) is ReachState.REGISTERED
    assert grace.ripe(MONDAY_NINE + 46 * SECOND) is None
    assert grace.heard(ReachState.OFFLINE, MONDAY_NINE + 50 * SECOND) is None
    assert grace.ripe(MONDAY_NINE + 95 * SECOND) is ReachState.OFFLINE


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(ReachState)), max_size=30))
def test_offline_is_never_said_sooner_than_after_the_grace(heard: list[tuple[int, ReachState]]) -> None:
    grace, now, gone = OfflineGrace(timedelta(seconds=45)), MONDAY_NINE, None
    for wait, state in heard:
        now += wait * SECOND
        gone = (gone or now) if state is ReachState.OFFLINE else None
        said = grace.heard(state, now)
        if said is ReachState.OFFLINE:
            assert gone is not None and now - gone >= timedelta(seconds=45)
        else:
            assert said in (None, state)
