"""Every task has a name, an owner and an end. Time is virtual: `Sleeps` ends a sleep when told to."""

import asyncio
import logging

import pytest

from agent.supervise import Backoff, Supervisor
from tests.support.clock import VirtualClock


class Sleeps:
    """An injected sleep: records each request and returns only when ``elapse`` passes its end."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self._waiting = []

    async def __call__(self, seconds):
        self.asked.append(seconds)
        due = asyncio.get_running_loop().create_future()
        self._waiting.append((self.clock.monotonic() + seconds, due))
        await due

    async def elapse(self, seconds):
        self.clock.advance(seconds)
        for end, due in self._waiting:
            if end <= self.clock.monotonic() and not due.done():
                due.set_result(None)
        await settle()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def sleeps(clock):
    return Sleeps(clock)


async def forever():
    await asyncio.get_running_loop().create_future()


async def test_the_result_of_a_task_can_be_awaited(clock, sleeps):
    async def answer():
        return 42

    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:
        assert await supervisor.spawn(answer(), "answer") == 42
        await settle()
        assert supervisor.names() == ()
        assert supervisor.health() == ()


async def test_a_failed_task_is_one_line_and_a_health_entry(clock, sleeps, caplog):
    async def broken():
        raise ValueError("no such lamp")

    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:
        supervisor.service(forever, "other")
        supervisor.spawn(broken(), "light alice")
        await settle()
        other, failed = supervisor.health()
        assert (other.name, other.state) == ("other", "running")
        assert (failed.name, failed.state, failed.error) == (
            "light alice", "failed", "ValueError: no such lamp",
        )  # fmt: skip
        assert failed.failed_at == clock.wall()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.fields == {"task": "light alice", "error": "ValueError: no such lamp"}
    assert not record.exc_info


async def test_the_traceback_is_there_at_debug(clock, sleeps, caplog):
    async def broken():
        raise ValueError("x")

    caplog.set_level(logging.DEBUG, "lamplighter.supervise")
    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:
        supervisor.spawn(broken(), "t")
        await settle()
    assert caplog.records[0].exc_info[0] is ValueError


async def test_a_service_restarts_with_growing_pauses(clock, sleeps):
    starts, restarted = [], []

    async def flaky():
        starts.append(clock.monotonic())
        if len(starts) <= 3:
            raise OSError("gone")
        await forever()

    async with Supervisor(clock=clock, sleep=sleeps, on_restart=restarted.append) as supervisor:
        supervisor.service(flaky, "flaky", Backoff(first=1, limit=3))
        await settle()
        assert supervisor.health()[0].state == "restarting"
        for pause in (1, 2, 3):
            await sleeps.elapse(pause - 0.5)
            before = len(starts)
            await sleeps.elapse(0.5)
            assert len(starts) == before + 1
        health = supervisor.health()[0]
        assert (health.state, health.restarts, health.error) == ("running", 3, "OSError: gone")
    assert sleeps.asked[:3] == [1, 2, 3]
    assert restarted == ["flaky"] * 3


async def test_the_pause_is_short_again_after_a_healthy_time(clock, sleeps):
    async def works_for_an_hour():
        if len(sleeps.asked) == 2:
            clock.advance(3600)
        raise OSError

    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:
        supervisor.service(works_for_an_hour, "s", Backoff(first=1, limit=60, healthy_after=60))
        await settle()
        await sleeps.elapse(1)
        await sleeps.elapse(2)
        assert sleeps.asked == [1, 2, 1]


async def test_a_service_that_returns_has_ended(clock, sleeps):
    async def once():
        return None

    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:
        supervisor.service(once, "once")
        await settle()
        assert supervisor.health()[0].state == "ended"
        with pytest.raises(ValueError, match="two services"):
            supervisor.service(once, "once")


async def test_stopping_goes_in_reverse_order(clock, sleeps):
    ended = []

    async def run(name):
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:
        for name in ("store", "server", "connectors"):
            supervisor.service(lambda name=name: run(name), name)
        await settle()
        assert supervisor.names() == ("store", "server", "connectors")
    assert ended == ["connectors", "server", "store"]
    assert [entry.state for entry in supervisor.health()] == ["ended"] * 3


async def test_a_task_that_will_not_stop_is_left_behind_and_told(clock, sleeps, caplog):
    release = asyncio.get_running_loop().create_future()

    async def stubborn():
        while not release.done():
            try:
                await asyncio.shield(release)
            except asyncio.CancelledError:
                continue

    supervisor = Supervisor(clock=clock, sleep=sleeps, stop_within=5)
    task = supervisor.spawn(stubborn(), "stubborn")
    await settle()
    async with Supervisor() as tests_own:
        stopping = tests_own.spawn(supervisor.stop(), "stop")
        await settle()
        await sleeps.elapse(4)
        assert not stopping.done()
        await sleeps.elapse(1)
        assert stopping.done()
    assert [record.fields for record in caplog.records] == [{"task": "stubborn"}]
    release.set_result(None)
    await task


async def test_after_the_end_nothing_starts(clock, sleeps):
    supervisor = Supervisor(clock=clock, sleep=sleeps)
    await supervisor.stop()
    await supervisor.stop()
    with pytest.raises(RuntimeError, match="late: the supervisor has stopped"):
        supervisor.spawn(forever(), "late")


async def test_what_a_task_starts_while_stopping_is_stopped_too(clock, sleeps):
    ended = []

    async def farewell():
        try:
            await forever()
        finally:
            ended.append("farewell")

    async with Supervisor(clock=clock, sleep=sleeps) as supervisor:

        async def says_farewell():
            try:
                await forever()
            finally:
                supervisor.spawn(farewell(), "farewell")
                await asyncio.sleep(0)
                ended.append("first")

        supervisor.spawn(says_farewell(), "first")
        await settle()
    assert sorted(ended) == ["farewell", "first"]
    assert supervisor.names() == ()
