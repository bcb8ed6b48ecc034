"""Decisions on watchers, and what they do to subscriptions."""

import pytest

from agent.presence.authorization import DomainPolicy, Step, SubHandling, state_of, step
from agent.presence.records import SubscriptionState

ALICE, BOB, EVE = "sip:alice@example.org", "sip:bob@example.org", "sip:eve@example.com"
BLOCK, CONFIRM, POLITE, ALLOW = SubHandling


def test_the_domain_of_the_watcher_decides_then_the_default() -> None:
    policy = DomainPolicy(CONFIRM, {"example.com": BLOCK})
    assert policy(ALICE, BOB) is CONFIRM
    assert policy(ALICE, EVE) is BLOCK
    assert DomainPolicy()(ALICE, EVE) is ALLOW


def test_everybody_may_watch_themselves() -> None:
    assert DomainPolicy(BLOCK, {"example.org": BLOCK})(ALICE, ALICE) is ALLOW


def test_of_several_decisions_the_highest_counts() -> None:
    assert max(BLOCK, POLITE, CONFIRM) is POLITE and max(ALLOW, BLOCK) is ALLOW


@pytest.mark.parametrize(
    ("state", "handling", "expected"),
    [
        ("pending", ALLOW, Step.APPROVE),
        ("pending", POLITE, Step.APPROVE),
        ("pending", CONFIRM, Step.NONE),
        ("pending", BLOCK, Step.REJECT),
        ("active", ALLOW, Step.NONE),
        ("active", POLITE, Step.NONE),
        ("active", CONFIRM, Step.WITHDRAW),
        ("active", BLOCK, Step.REJECT),
        ("terminated", ALLOW, Step.NONE),
        ("terminated", BLOCK, Step.NONE),
    ],
)
def test_what_a_new_decision_does(state: SubscriptionState, handling: SubHandling, expected: Step) -> None:
    assert step(state, handling) is expected


def test_nothing_begins_that_is_blocked() -> None:
    assert [state_of(each) for each in SubHandling] == ["terminated", "pending", "active", "active"]
