"""Calls that block, away from the loop."""

import asyncio
import threading

import pytest

from connectors.errors import Unreachable
from connectors.threads import Threads


async def test_results_and_errors_come_back():
    threads = Threads(2, "test")
    assert await threads.run(lambda: threading.current_thread().name) == "test-1"
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    threads.close()


async def test_no_more_than_so_many_at_a_time_and_the_others_in_order():
    threads, gate = Threads(2, "test"), threading.Event()
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        gate.wait(20)
        return number

    calls = [asyncio.create_task(threads.run(lambda number=number: work(number))) for number in range(6)]
    while len(begun) < 2:
        await asyncio.sleep(0)
    assert sorted(begun) == [0, 1], "the loop goes on while two wait"
    gate.set()
    assert await asyncio.gather(*calls) == list(range(6))
    assert sorted(begun) == list(range(6))
    threads.close()


async def test_whoever_gave_up_costs_no_call():
    threads, gate = Threads(1, "test"), threading.Event()
    begun: list[str] = []
    first = asyncio.create_task(threads.run(lambda: gate.wait(20)))
    second = asyncio.create_task(threads.run(lambda: begun.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    gate.set()
    await first
    await threads.run(lambda: begun.append("third"))
    assert begun == ["third"]
    threads.close()


async def test_the_end_waits_for_nobody():
    threads, gate, begun = Threads(1, "test"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(20)

    calls = [asyncio.create_task(threads.run(work)) for _ in range(3)]
    while not begun.is_set():
        await asyncio.sleep(0)
    threads.close()
    for call in calls:
        with pytest.raises(Unreachable):
            await call
    with pytest.raises(Unreachable):
        await threads.run(work)
    gate.set()
