"""Sources that call: listening, losing them, and letting them go."""

import asyncio

import pytest

from connectors.base import Link
from connectors.errors import AuthFailed
from connectors.health import HealthState
from connectors.linked import PUSH_INTERVAL
from connectors.registry import read_manifest
from tests.connectors.ping import MOMENT, OFFLINE, REACHABLE, PingConnector
from tests.connectors.support import World, new_world


@pytest.fixture
async def world(monkeypatch):
    monkeypatch.setattr(
        "connectors.runner.load", lambda name: read_manifest(name, f"tests.connectors.{name}")
    )
    PingConnector.made.clear()
    async with new_world() as made:
        yield made


async def turn(world: World, seconds: float = 0.0) -> None:
    """Start what is due, and let what runs run: listening does not end by itself."""
    world.clock.advance(seconds)
    if any(health.connector == "ping" for health in world.runner.health()):
        world.runner.tick("ping")
    world.running = [*getattr(world, "running", ()), *(asyncio.ensure_future(one) for one in world.spawned)]
    world.spawned.clear()
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_pushed_is_emitted_at_once_with_its_validity(world):
    world.runner.add_link(Link("p", "ping", "alice", {"stale_after": "1h"}))
    await turn(world, 1)
    PingConnector.made[0].queue.put_nowait(REACHABLE)
    await turn(world)
    (fact,) = world.book.of("alice")
    assert fact.value.state is REACHABLE
    assert (fact.valid_until - MOMENT).total_seconds() == 3600
    assert world.health("p").state is HealthState.OK
    assert world.runner.remove_link("p") == ("ping:p",)
    await turn(world)
    await asyncio.gather(*world.running)


async def test_a_lost_source_is_listened_to_again_with_growing_waits(world):
    world.runner.add_link(Link("p", "ping", "alice", {}))
    await turn(world, 1)
    (connector,) = PingConnector.made
    waits = []
    for lost in range(1, 4):
        connector.queue.put_nowait(ConnectionResetError())
        await turn(world)
        assert world.health("p").state is HealthState.UNREACHABLE
        waited = 0
        while connector.listening == lost:
            waited += 1
            await turn(world, 1)
        waits.append(waited)
    assert waits == [PUSH_INTERVAL, 2 * PUSH_INTERVAL, 4 * PUSH_INTERVAL]
    connector.queue.put_nowait(OFFLINE)
    await turn(world)
    assert world.health("p").state is HealthState.OK
    connector.queue.put_nowait(AuthFailed("no"))
    await turn(world)
    assert world.health("p").state is HealthState.AUTH_FAILED
    await asyncio.gather(*world.running)


async def test_nothing_is_emitted_after_the_link_was_removed(world):
    world.runner.add_link(Link("p", "ping", "alice", {}))
    await turn(world, 1)
    world.runner.remove_link("p")
    PingConnector.made[0].queue.put_nowait(REACHABLE)
    await turn(world)
    assert world.emitted == []
    await asyncio.gather(*world.running)
