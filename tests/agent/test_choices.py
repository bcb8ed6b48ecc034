"""What people choose themselves: until when they said, whatever happens meanwhile."""

import asyncio

import pytest

from agent.choices import Choices
from agent.store.errors import StoreUnavailable
from agent.store.store import Store
from connectors.facts import Fact
from rules import Person
from rules.values import ValueProblem
from tests.agent.test_decider import calendar
from tests.support.service import said, service
from tests.support.virtual_loop import LoopClock, virtual, virtual_beside_threads
from tests.support.world import SimulatedDatabase

RULES = "version: 1\ninclude: [manual, meetings]\n"
PEOPLE = "timezone: Europe/Berlin\npeople:\n  alice: {sip: 'sip:alice@example.org', name: Alice}\n"


@virtual
async def test_it_stands_against_automation_and_ends_by_itself(tmp_path) -> None:
    async with service(tmp_path, PEOPLE, RULES) as here:
        app, alice = here.app, here.app.decider.people["alice"]
        app.decider.take([calendar("alice", (10, 30), (50, 70))])
        phone = await here.watch("sip:alice@example.org")
        await app.choices.choose(alice, "lunch 45m: at Luigi's", "test")
        await asyncio.sleep(44 * 60)
        assert said(phone)[-1] == 'open dark "at Luigi\'s"'
        assert len(said(phone)) == 2, "the meeting in between showed nothing"
        await asyncio.sleep(2 * 60)
        assert said(phone)[-1] == "open dark"
        await asyncio.sleep(5 * 60)
        assert said(phone)[-1] == 'closed lit "In a meeting until 11:10"'


@virtual
async def test_taken_back(tmp_path) -> None:
    async with service(tmp_path, PEOPLE, RULES) as here:
        app, alice = here.app, here.app.decider.people["alice"]
        app.decider.take([calendar("alice", (0, 600))])
        phone = await here.watch("sip:alice@example.org")
        await app.choices.choose(alice, "available until 18:00", "test")
        await asyncio.sleep(1)
        await app.choices.choose(alice, "auto", "test")
        await asyncio.sleep(1)
        meeting = 'closed lit "In a meeting until 20:00"'
        assert said(phone) == [meeting, "open dark", meeting]


@virtual
async def test_what_cannot_be_kept_is_not_shown() -> None:
    database = SimulatedDatabase()
    clock = LoopClock(asyncio.get_running_loop())
    store = Store(database, clock)
    told: list[Fact] = []
    choices = Choices(store, clock, told.extend, lambda: ["dnd"])
    database.delay = 3.0
    chosen = asyncio.ensure_future(choices.choose(Person("alice"), "dnd 1h", "test"))
    await asyncio.sleep(2)
    assert not told, "not before it is durable"
    assert (await chosen).state == "dnd" and len(told) == 1
    database.failing = True
    with pytest.raises(StoreUnavailable):
        await choices.choose(Person("alice"), "auto", "test")
    assert len(told) == 1
    kept = store.manual("alice")
    assert kept is not None and kept.state == "dnd"
    database.failing = False
    await store.close()


@virtual
async def test_what_is_not_understood_changes_nothing() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    store = await Store.open("memory:", clock)
    choices = Choices(store, clock, lambda facts: None, lambda: ["dnd", "lunch"])
    for text, words in (
        ("lunhc", "did you mean `lunch`"),
        ("dnd sometime", "write it like `45m`"),
        ("", "say which state"),
        ("dnd: " + "x" * 300, "longer than 300"),
    ):
        with pytest.raises(ValueProblem, match=words):
            await choices.choose(Person("alice"), text, "test")
    with pytest.raises(ValueError, match="NUL"):
        await choices.choose(Person("alice"), "dnd: \0", "test")
    assert not store.manual_choices()
    await store.close()


@virtual_beside_threads
async def test_until_i_come_back_survives_a_restart(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    clock = LoopClock(asyncio.get_running_loop())
    store = await Store.open(url, clock)
    told: list[Fact] = []
    chosen = await Choices(store, clock, told.extend, lambda: ["away"]).choose(
        Person("alice"), "away until I come back: back soon", "test"
    )
    assert chosen.until_return
    await store.close()
    store = await Store.open(url, clock)
    again: list[Fact] = []
    Choices(store, clock, again.extend, lambda: ["away"]).restore({"alice": None})
    assert again == told, "to the microsecond: the rules remember by it how far the choice has got"
    await store.close()
