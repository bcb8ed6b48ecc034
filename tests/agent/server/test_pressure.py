"""How late the server is: measured only while something arrives."""

import asyncio

from agent.presence.admission import Load
from agent.server.pressure import TICK, Pressure
from tests.support.virtual_loop import LoopClock, virtual


class Figures:
    waiting = owed = transactions = 0


def pressure_of(figures: Figures, clock: LoopClock) -> Pressure:
    return Pressure(clock, lambda: figures.waiting, lambda: figures.owed, lambda: figures.transactions)


@virtual
async def test_what_waits_is_seen_within_a_tick_and_what_is_owed_at_once() -> None:
    figures = Figures()
    pressure = pressure_of(figures, LoopClock(asyncio.get_running_loop()))
    assert pressure.load() == Load()
    figures.waiting, figures.owed, figures.transactions = 5000, 7, 3
    assert pressure.load() == Load(owed=7, transactions=3)
    await asyncio.sleep(TICK + 0.01)
    assert pressure.load() == Load(waiting=5000, owed=7, transactions=3)
    pressure.close()


@virtual
async def test_a_loop_that_was_blocked_is_late_and_it_is_forgotten_when_nothing_came_since() -> None:
    loop = asyncio.get_running_loop()
    pressure = pressure_of(Figures(), LoopClock(loop))
    for blocked, seen in ((4.0, 0.0), (3.0, 3.0), (0.0, 0.0)):
        pressure.load()
        loop._jumping.now += TICK + blocked  # type: ignore[attr-defined]  # something took so many seconds
        await asyncio.sleep(0.01)
        assert abs(pressure.load().lag - seen) < 0.1, "once is no sign"
    await asyncio.sleep(10 * TICK)
    assert pressure.load().lag == 0.0
    await asyncio.sleep(10 * TICK)
    assert pressure._due is None, "nobody asks, nothing is measured"
