"""When a server is asked for a sign of life, and when it is given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Unreachable
from connectors.liveness import Due, Liveness


def test_silence_leads_to_a_ping_and_more_silence_to_the_end() -> None:
    life = Liveness("The PBX", 5, 60, 100)
    assert life.deadline() == 105
    assert life.due(105) == [Due.PING]
    assert life.due(107) == []
    assert life.deadline() == 110
    with pytest.raises(Unreachable, match="The PBX"):
        life.due(110)


def test_whatever_comes_is_a_sign_of_life() -> None:
    life = Liveness("The PBX", 5, 60, 100)
    life.due(105)
    life.heard(109)
    assert life.due(110) == []
    assert life.deadline() == 114


def test_a_snapshot_is_due_again_after_the_last_one_was_complete() -> None:
    life = Liveness("The PBX", 100, 60, 100)
    life.asked(100)
    assert life.due(199) == []
    life.complete(130)
    assert life.deadline() == 190
    assert life.due(190) == [Due.SNAPSHOT]
    assert life.asked_at == 190
    life.complete(191)
    life.ask_within(15, 191)
    life.heard(191)
    assert life.deadline() == 206


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=40))
def test_it_never_lives_longer_than_two_silences(steps: list[tuple[float, bool]]) -> None:
    life, now, heard_at = Liveness("The PBX", 5, 60, 0.0), 0.0, 0.0
    for wait, hears in steps:
        target = now + wait
        while life.deadline() <= target:
            now = life.deadline()
            assert now - heard_at <= 10.0 + 1e-6
            try:
                life.due(now)
            except Unreachable:
                assert now - heard_at == pytest.approx(10.0)
                return
        now = target
        if hears:
            life.heard(now)
            heard_at = now
