"""The notifier's small decisions (RFC 6665 §4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.presence.packages import ExpiryLimits, acceptable_type
from agent.presence.subscription import (
    Fate,
    Reason,
    TooBrief,
    fate_of,
    grant,
    subscription_state,
    terminated,
)

seconds = st.integers(0, 2**32)


@given(seconds, st.integers(0, 7200), st.integers(60, 86_400))
def test_never_more_than_asked_for_and_nothing_is_too_long(wish: int, minimum: int, maximum: int) -> None:
    granted = grant(wish, ExpiryLimits(3600, minimum, maximum))
    if isinstance(granted, TooBrief):
        assert 0 < wish < min(minimum, 3600) and granted.min_expires == minimum
    else:
        assert granted <= wish and granted <= maximum


def test_an_hour_is_never_too_brief_and_zero_neither() -> None:
    limits = ExpiryLimits(default=7200, minimum=7200, maximum=7200)
    assert grant(3600, limits) == 3600
    assert grant(3599, limits) == TooBrief(7200)
    assert grant(0, limits) == 0
    assert grant(None, limits) == 7200


def test_what_an_answer_to_a_notify_means() -> None:
    assert fate_of(200) is fate_of(202) is fate_of(204) is Fate.KEEP
    removing = {status for status in range(300, 700) if fate_of(status) is Fate.REMOVE}
    assert removing == {404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604}
    assert fate_of(500) is fate_of(407) is Fate.KEEP_AND_RETRY


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_seconds_left_are_whole_and_never_too_many(expires_at: float, now: float) -> None:
    state, _, left = subscription_state(expires_at, now).partition(";expires=")
    assert state == "active" and 0 <= int(left) <= max(0.0, expires_at - now)


def test_the_end_has_a_reason_and_no_lifetime() -> None:
    assert terminated(Reason.TIMEOUT) == "terminated;reason=timeout"
    assert terminated(Reason.PROBATION, 30) == "terminated;reason=probation;retry-after=30"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ((), "a/x"),
        (("a/x", "b/y"), "a/x"),
        (("a/x;q=0.2", "b/y;q=0.9"), "b/y"),
        (("b/y",), "b/y"),
        (("*/*;q=0.1", "b/y"), "b/y"),
        (("a/*;q=0.5", "b/y;q=0"), "a/x"),
        (("c/z",), None),
        (("a/x;q=0", "b/y;q=0.000"), None),
        (("a/x;q=bad",), None),
    ],
)
def test_the_best_type_is_chosen(accept: tuple[str, ...], chosen: str | None) -> None:
    assert acceptable_type(accept, ("a/x", "b/y")) == chosen
