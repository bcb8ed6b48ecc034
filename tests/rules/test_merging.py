"""Sources that disagree: which counts, by freshness and confidence, and how `explain` tells."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.facts import CallState, CallValue, Fact, ReachState, ReachValue
from rules import Person
from rules.evaluate import Evaluation, evaluate
from rules.explain import explain
from rules.files import load_pack
from rules.merging import counting
from tests.support.clock import MONDAY_NINE

ALICE = Person("alice", "Alice")
OFFICE = load_pack("office")
MINUTE = timedelta(minutes=1)
IDLE, TALKING, RINGING = CallState.IDLE, CallState.TALKING, CallState.RINGING


def call(
    source: str,
    state: CallState,
    confidence: float = 0.5,
    device: str = "desk phone",
    ago: timedelta = timedelta(),
    valid: timedelta = timedelta(hours=4),
) -> Fact:
    at = MONDAY_NINE - ago
    value = CallValue(state, at, "in" if state is RINGING else None, None, device)
    return Fact("alice", source, value, at, at + valid, confidence)


def decided(*facts: Fact, after: timedelta = timedelta()) -> Evaluation:
    return evaluate(OFFICE, ALICE, facts, MONDAY_NINE + after)


def test_the_surer_source_of_the_same_phone_counts() -> None:
    """A phone that never said that it hung up is outvoted by the PBX."""
    stuck = call("phone:desk", TALKING, ago=120 * MINUTE)
    assert decided(call("asterisk:pbx", IDLE, 0.9), stuck).decision.state == "available"
    assert (
        decided(call("asterisk:pbx", TALKING, 0.9), call("phone:desk", IDLE)).decision.state == "on-the-phone"
    )


def test_when_the_surer_source_falls_silent_the_other_counts_at_that_moment() -> None:
    facts = (
        call("asterisk:pbx", IDLE, 0.9, valid=3 * MINUTE),
        call("sip_dialog:blf", TALKING, 0.7, valid=15 * MINUTE),
    )
    before = decided(*facts)
    assert before.decision.state == "available"
    assert before.next_change == MONDAY_NINE + 3 * MINUTE
    assert decided(*facts, after=3 * MINUTE).decision.state == "on-the-phone"
    assert decided(*facts, after=15 * MINUTE).decision.state == "unknown"


def test_a_call_on_either_of_two_phones_is_a_call() -> None:
    mobile = call("phone:mobile", TALKING, 0.3, device="mobile")
    assert decided(call("asterisk:pbx", IDLE, 0.9), mobile).decision.state == "on-the-phone"


def test_of_equally_sure_sources_the_busiest_counts() -> None:
    assert decided(call("a", IDLE), call("b", TALKING), call("c", RINGING)).decision.state == "on-the-phone"


def test_names_of_devices_ignore_case() -> None:
    facts = (call("asterisk:pbx", IDLE, 0.9, "Desk Phone"), call("phone:desk", TALKING, 0.5, "desk phone"))
    assert decided(*facts).decision.state == "available"


def test_registrations_of_the_same_phone_are_settled_likewise() -> None:
    at = MONDAY_NINE
    facts = [
        Fact("alice", "sip_dialog:blf", ReachValue("desk phone", ReachState.OFFLINE), at, None, 0.7),
        Fact("alice", "asterisk:pbx", ReachValue("desk phone", ReachState.REGISTERED), at, None, 0.9),
    ]
    count, outvoted = counting(facts)
    assert [fact.source for fact in count] == ["asterisk:pbx"]
    assert [fact.source for fact in outvoted] == ["sip_dialog:blf"]


def test_explain_names_who_counts_who_was_outvoted_and_who_is_silent() -> None:
    evaluation = decided(
        call("asterisk:pbx/alice/calls", IDLE, 0.9),
        call("phone:desk/alice/calls", TALKING, ago=120 * MINUTE),
        call("sip_dialog:blf/alice/calls", RINGING, 0.7, ago=180 * MINUTE, valid=15 * MINUTE),
    )
    text = explain(evaluation, ALICE)
    assert "Who tells of calls:" in text
    assert "asterisk:pbx/alice/calls says idle (desk phone), just now, 90 % sure — which counts" in text
    assert "phone:desk/alice/calls says talking (desk phone), 2 h ago, 50 % sure — outvoted" in text
    assert "sip_dialog:blf/alice/calls says ringing (desk phone), 3 h ago, 70 % sure — silent" in text
    standings = {one["source"]: one["standing"] for one in evaluation.trace.to_json()["sources"]}
    assert list(standings.values()) == ["counts", "outvoted", "silent"]


def test_a_single_source_that_counts_needs_no_list() -> None:
    assert "Who tells" not in explain(decided(call("asterisk:pbx", IDLE, 0.9)), ALICE)


@pytest.mark.parametrize("facts", [[], [call("a", IDLE)]])
def test_nothing_to_settle(facts: list[Fact]) -> None:
    assert counting(facts) == (facts, [])


@given(
    st.lists(
        st.builds(
            call,
            st.sampled_from("abcdef"),
            st.sampled_from(CallState),
            st.sampled_from([0.1, 0.5, 0.7, 0.9]),
            st.sampled_from(["desk phone", "mobile", ""]),
        ),
        max_size=8,
    )
)
def test_nobody_is_lost_and_no_device_is_left_without_a_word(facts: list[Fact]) -> None:
    count, outvoted = counting(facts)
    assert sorted(count + outvoted, key=id) == sorted(facts, key=id)
    assert {fact.value.device for fact in count} == {fact.value.device for fact in facts}  # type: ignore[union-attr]
    for loser in outvoted:
        winners = [one for one in count if one.value.device == loser.value.device]  # type: ignore[union-attr]
        assert all(one.confidence > loser.confidence for one in winners)
