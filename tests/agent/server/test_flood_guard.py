"""A flood from one address costs others nothing."""

from hypothesis import given
from hypothesis import strategies as st

from agent.server.flood_guard import REMEMBERED, FloodGuard


def test_a_burst_is_let_through_and_then_only_the_rate() -> None:
    guard = FloodGuard(rate=10, burst=5)
    assert [guard.admit("a", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not guard.admit("a", 0.05)
    assert guard.admit("a", 0.15)
    assert guard.admit("b", 0.15)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1)), max_size=200))
def test_nobody_gets_more_than_burst_plus_rate(steps: list[tuple[str, float]]) -> None:
    guard, now, admitted = FloodGuard(rate=3, burst=4), 0.0, {"a": 0, "b": 0}
    for host, wait in steps:
        now += wait
        admitted[host] += guard.admit(host, now)
    assert all(count <= 4 + 3 * now + 1e-6 for count in admitted.values())


def test_who_has_been_silent_long_enough_is_forgotten() -> None:
    guard = FloodGuard(rate=10, burst=50)
    for number in range(1000):
        guard.admit(str(number), number * 0.1)
    assert len(guard._buckets) <= 52, "fifty came within the last five seconds"
    assert [guard.admit("999", 99.9) for _ in range(60)].count(True) == 49


def test_memory_is_bounded() -> None:
    guard = FloodGuard(rate=1, burst=1)
    for number in range(REMEMBERED + 100):
        guard.admit(str(number), 0.0)
    assert len(guard._buckets) == REMEMBERED
