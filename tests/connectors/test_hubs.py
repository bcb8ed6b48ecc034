"""What links of one entry share."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from connectors.base import Entry, Link
from connectors.errors import AuthFailed, BadData
from connectors.facts import CallState
from connectors.health import HealthState
from connectors.ingress import Received
from connectors.registry import read_manifest
from tests.connectors.board import Board
from tests.connectors.support import World, new_world

ENTRY = Entry("pbx", {"host": "pbx.example.org"}, "geheim")


def link(person: str, extension: str, entry: Entry = ENTRY) -> Link:
    return Link(
        f"{entry.key}/{person}", "board", person, {**entry.settings, "extension": extension}, entry=entry
    )


def request(body: str) -> Received:
    return Received("POST", "", (), {}, body.encode(), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
async def world(monkeypatch):
    monkeypatch.setattr(
        "connectors.runner.load", lambda name: read_manifest(name, f"tests.connectors.{name}")
    )
    Board.made.clear()
    async with new_world() as made:
        made.running = []
        yield made
        for health in made.runner.health():
            if health.person:
                made.runner.remove_link(health.link)
        await turn(made)
        await asyncio.gather(*made.running)


async def turn(world: World, seconds: float = 0.0) -> None:
    """Start what is due, and let what runs run: listening does not end by itself."""
    world.clock.advance(seconds)
    if world.runner.health():
        world.runner.tick("board")
    world.running += [asyncio.ensure_future(one) for one in world.spawned]
    world.spawned.clear()
    for _ in range(5):
        await asyncio.sleep(0)


async def test_links_of_one_entry_share_a_hub_that_lives_from_the_first_to_the_last(world):
    world.runner.add_link(link("alice", "201"))
    world.runner.add_link(link("bob", "202"))
    await turn(world, 1)
    (board,) = Board.made
    assert (board.settings.host, board.entry.secret) == ("pbx.example.org", "geheim")
    assert sorted(board.phones) == ["201", "202"]
    world.runner.remove_link("pbx/alice")
    await turn(world)
    assert not board.closed
    world.runner.remove_link("pbx/bob")
    await turn(world)
    assert board.closed
    assert world.runner.health() == []


async def test_another_entry_is_another_hub(world):
    world.runner.add_link(link("alice", "201"))
    world.runner.add_link(link("bob", "202", Entry("south", {"host": "south.example.org"})))
    assert [board.entry.key for board in Board.made] == ["pbx", "south"]


async def test_an_entry_that_changes_under_its_links_ends_with_one_hub(world):
    for person, extension in (("alice", "201"), ("bob", "202")):
        world.runner.add_link(link(person, extension))
    await turn(world, 1)
    changed = Entry("pbx", ENTRY.settings, "a new password")
    for person, extension in (("alice", "201"), ("bob", "202")):
        world.runner.add_link(link(person, extension, changed))
    await turn(world, 1)
    before, after = Board.made
    assert (before.closed, after.closed, after.running) == (True, False, 1)
    assert [health.link for health in world.runner.health()] == ["pbx", "pbx/alice", "pbx/bob"]
    assert sorted(after.phones) == ["201", "202"]


async def test_a_lost_source_shows_at_the_hub_in_one_line_and_is_sought_again(world, caplog):
    world.runner.add_link(link("alice", "201"))
    world.runner.add_link(link("bob", "202"))
    await turn(world, 1)
    (board,) = Board.made
    board.source.put_nowait(None)
    await turn(world)
    assert world.health("pbx").state is HealthState.OK
    with caplog.at_level(logging.INFO, "connectors.runner"):
        board.source.put_nowait(AuthFailed("the PBX does not accept the password"))
        await turn(world)
        assert world.health("pbx").state is HealthState.AUTH_FAILED
        await turn(world, 600)
        board.source.put_nowait(None)
        await turn(world)
    assert board.running == 2
    assert world.health("pbx").state is HealthState.OK
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_what_the_hub_receives_becomes_facts_of_its_links(world):
    world.runner.add_link(link("alice", "201"))
    await turn(world, 1)
    assert (await world.runner.requests.receive("pbx", request("201 talking"))).status == 204
    (fact,) = world.book.of("alice")
    assert fact.value.state is CallState.TALKING
    with pytest.raises(BadData):
        await world.runner.requests.receive("pbx", request("999 talking"))
    assert world.health("pbx").state is HealthState.BAD_DATA
    for nobody in ("pbx/alice", "elsewhere"):
        with pytest.raises(KeyError):
            await world.runner.requests.receive(nobody, request("201 idle"))


async def test_wrong_hub_settings_show_at_every_link(world):
    health = world.runner.add_link(link("alice", "201", Entry("pbx", {"host": "h", "prot": 1})))
    assert health.state is HealthState.MISCONFIGURED
    assert "prot" in health.words
