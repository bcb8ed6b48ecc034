"""The graceful end: answers are waited for, watchers told to come back or left to the successor (RFC 6665 §4.1.3)."""

import asyncio
from pathlib import Path

from agent.store.store import Store
from tests.support.phone import document, shown, state
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import SimulatedDatabase, World, world


async def leave(here: World, *, deactivate: bool = False, within: float = 5.0) -> bool:
    finished: bool = await here.server.departure.leave(
        deactivate=deactivate, within=within, sleep=asyncio.sleep
    )
    return finished


@virtual
async def test_watchers_are_told_to_subscribe_again_and_their_answers_waited_for() -> None:
    async with world() as here:
        bob, carol = here.phone("bob"), here.phone("carol")
        await bob.subscribe(expires=3600)
        await carol.subscribe(event="dialog", expires=3600)
        await asyncio.sleep(5)
        bob.forget()
        carol.forget()
        assert await leave(here, deactivate=True)
        for phone in (bob, carol):
            last = await phone.notify()
            assert state(last) == "terminated;reason=deactivated" and last.body
        assert not here.store.all_subscriptions()
        assert here.server.driver.endpoint.open_transactions[0] == 0, "they have answered"


@virtual
async def test_a_watcher_who_does_not_answer_does_not_hold_up_the_end() -> None:
    async with world() as here:
        bob = here.phone("bob")
        await bob.subscribe(expires=3600)
        await bob.notify()
        bob.script = lambda request: None
        before = here.clock.monotonic()
        assert not await leave(here, deactivate=True, within=3)
        assert 3 <= here.clock.monotonic() - before < 3.5


@virtual
async def test_what_was_asked_before_is_answered_and_what_comes_after_is_left_to_the_successor() -> None:
    database = SimulatedDatabase()
    database.delay = 1.0
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        publishing = asyncio.ensure_future(alice.publish(document("before")))
        await asyncio.sleep(0.1)
        assert await leave(here)
        assert (await publishing).status == 200
        bob.send(bob.compose("OPTIONS"))
        await asyncio.sleep(3)
        assert not bob.got, "its copies will reach whoever comes next"


@virtual
async def test_while_nothing_can_be_written_subscriptions_are_kept_even_if_they_should_end() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        bob = here.phone("bob")
        await bob.subscribe(expires=3600)
        await asyncio.sleep(5)
        database.failing = True
        bob.forget()
        await leave(here, deactivate=True)
        assert not bob.requests[1:] and len(here.store.all_subscriptions()) == 1


@virtual_beside_threads
async def test_those_who_are_kept_go_on_with_the_successor_and_hear_only_what_is_new(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"), expires=3600)).headers.get("SIP-ETag")
        sub = await bob.subscribe(expires=3600)
        await bob.notify()
        assert await leave(here)
        refresh = sub.compose(expires=3600)
        bob.send(refresh)
        await asyncio.sleep(0.5)
        here.server.close()
        await here.store.close()
        here.store = await Store.open(url, here.clock)
        await here.start()
        assert (await bob.ask(refresh)).status == 200, "its copy"
        assert shown(await bob.notify()) == [("open", "In")]
        assert (await alice.publish(document("Out"), etag=etag)).status == 200
        assert shown(await bob.notify()) == [("open", "Out")]
