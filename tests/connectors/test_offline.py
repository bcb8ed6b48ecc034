"""Offline is told by the clock, not by the next event."""

import asyncio
from datetime import timedelta

from connectors.facts import ReachState
from connectors.offline import OfflineWatch
from tests.support.virtual_loop import LoopClock, virtual

OFFLINE, REGISTERED = ReachState.OFFLINE, ReachState.REGISTERED


def watch(said: list[tuple[float, ReachState]]) -> tuple[OfflineWatch, LoopClock]:
    clock = LoopClock(asyncio.get_running_loop())
    began = clock.monotonic()
    hold = timedelta(seconds=45)
    return OfflineWatch(clock, hold, lambda state: said.append((clock.monotonic() - began, state))), clock


@virtual
async def test_it_is_told_when_the_time_is_over_though_nothing_happens() -> None:
    said: list[tuple[float, ReachState]] = []
    offline, clock = watch(said)
    offline.heard(REGISTERED, clock.now())
    offline.heard(OFFLINE, clock.now())
    await asyncio.sleep(30)
    offline.heard(OFFLINE, clock.now())
    await asyncio.sleep(60)
    assert [state for _, state in said] == [REGISTERED, OFFLINE]
    assert 45 <= said[-1][0] < 46
    offline.heard(OFFLINE, clock.now())
    assert [state for _, state in said][-2:] == [OFFLINE, OFFLINE]


@virtual
async def test_who_comes_back_or_is_not_known_any_more_is_not_told_to_be_gone() -> None:
    said: list[tuple[float, ReachState]] = []
    offline, clock = watch(said)
    offline.heard(OFFLINE, clock.now())
    await asyncio.sleep(30)
    offline.heard(REGISTERED, clock.now())
    offline.heard(OFFLINE, clock.now())
    await asyncio.sleep(30)
    offline.cancel()
    await asyncio.sleep(60)
    assert [state for _, state in said] == [REGISTERED]
    offline.heard(OFFLINE, clock.now())
    await asyncio.sleep(46)
    assert [state for _, state in said] == [REGISTERED, OFFLINE]


@virtual
async def test_a_wall_clock_that_is_set_back_only_delays_it() -> None:
    said: list[tuple[float, ReachState]] = []
    offline, clock = watch(said)
    offline.heard(OFFLINE, clock.now())
    clock.jump(-20)
    await asyncio.sleep(50)
    assert said == []
    await asyncio.sleep(20)
    assert [state for _, state in said] == [OFFLINE]
