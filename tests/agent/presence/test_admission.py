"""Overload: what is under way, then refreshes, then what is new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.presence.admission import (
    DEFAULT_THRESHOLDS,
    Load,
    Thresholds,
    Urgency,
    is_admitted,
    retry_after,
    urgency,
)
from tests.support.sip import parsed, wire

LOADS = st.builds(
    Load,
    lag=st.floats(0, 10),
    waiting=st.integers(0, 100_000),
    owed=st.integers(0, 400_000),
    transactions=st.integers(0, 600_000),
)


def admits(kind: Urgency, load: Load) -> bool:
    return is_admitted(lambda: kind, load)


@given(LOADS)
def test_a_refresh_is_never_refused_where_something_new_is_taken(load: Load) -> None:
    assert admits(Urgency.REFRESH, load) or not admits(Urgency.NEW, load)


@given(LOADS, LOADS)
def test_less_load_never_refuses_more(one: Load, other: Load) -> None:
    less = Load(*(min(pair) for pair in zip(_figures(one), _figures(other), strict=True)))
    for kind in Urgency:
        assert admits(kind, less) or not admits(kind, one)


def _figures(load: Load) -> tuple[float, int, int, int]:
    return load.lag, load.waiting, load.owed, load.transactions


@pytest.mark.parametrize(
    ("load", "new", "refresh"),
    [
        (Load(), True, True),
        (Load(lag=0.9, waiting=15_000, owed=100_000), True, True),
        (Load(lag=2.6), False, True),
        (Load(waiting=26_000), False, True),
        (Load(owed=200_001), False, True),
        (Load(transactions=400_000), False, True),
        (Load(lag=2.0, waiting=31_000), False, False),
        (Load(transactions=500_000), False, False),
    ],
    ids=str,
)
def test_thresholds(load: Load, new: bool, refresh: bool) -> None:
    assert (admits(Urgency.NEW, load), admits(Urgency.REFRESH, load)) == (new, refresh)


def test_without_pressure_nobody_looks_into_the_request() -> None:
    def asked() -> Urgency:
        raise AssertionError("the request was looked at")

    assert is_admitted(asked, Load(), DEFAULT_THRESHOLDS)
    assert not is_admitted(asked, Load(transactions=10), Thresholds(transactions=10))


@pytest.mark.parametrize(
    ("method", "extra", "to", "kind"),
    [
        ("SUBSCRIBE", "Event: presence", "<sip:bob@example.org>", Urgency.NEW),
        ("SUBSCRIBE", "Event: presence", "<sip:bob@example.org>;tag=b1", Urgency.REFRESH),
        ("PUBLISH", "Event: presence", "<sip:bob@example.org>", Urgency.NEW),
        ("PUBLISH", "SIP-If-Match: x1", "<sip:bob@example.org>", Urgency.REFRESH),
        ("REGISTER", "Expires: 60", "<sip:bob@example.org>", Urgency.REFRESH),
        ("OPTIONS", "Accept: text/plain", "<sip:bob@example.org>", Urgency.NEW),
    ],
)
def test_urgency(method: str, extra: str, to: str, kind: Urgency) -> None:
    assert urgency(parsed(wire(method, extra, to=to))) is kind


def test_those_who_were_refused_together_do_not_come_back_together() -> None:
    waits = [retry_after(f"call-{number}@192.0.2.1") for number in range(2200)]
    assert set(waits) == set(range(5, 16))
    assert max(waits.count(each) for each in set(waits)) < 300
