"""When nothing can be made durable: 503, nothing changed, and nobody is told what is not so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from agent.net.memory import Hop
from agent.publisher.publisher import Options, Publisher
from agent.sip.messages import Response
from agent.store.rows import Kind
from tests.support.phone import ALICE, Phone, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import SimulatedDatabase, World, world


@virtual
async def test_a_publication_that_cannot_be_kept_is_503_and_nothing_changed() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("kept"))).headers.get("SIP-ETag")
        await bob.subscribe()
        await bob.notify()
        database.failing = True
        for body, expires, tag in (
            (document("lost"), 600, None),
            (document("lost"), 600, etag),
            (b"", 600, etag),
            (b"", 0, etag),
        ):
            answer = await alice.publish(body, expires=expires, etag=tag)
            assert answer.status == 503 and answer.headers.get("Retry-After")
            assert "SIP-ETag" not in answer.headers
        await bob.quiet(30)
        database.failing = False
        (row,) = here.store.publications(ALICE, "presence")
        assert row.entity_tag == etag and row.body == document("kept")
        assert (await alice.publish(document("new"), etag=etag)).status == 200
        assert shown(await bob.notify()) == [("open", "new")]


@virtual
async def test_a_subscription_that_cannot_be_kept_is_503_and_gets_no_notify() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        bob = here.phone("bob")
        database.failing = True
        sub = await bob.subscribe()
        assert sub.answer.status == 503 and sub.answer.headers.get("Retry-After")
        await bob.quiet(10)
        assert not here.store.all_subscriptions()
        database.failing = False
        assert (await bob.subscribe()).answer.status == 200
        assert state(await bob.notify()) == "active"


@virtual
async def test_a_refresh_or_an_end_that_cannot_be_kept_leaves_the_subscription_alive() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe(expires=600)
        await bob.notify()
        (before,) = here.store.all_subscriptions()
        database.failing = True
        assert (await sub.ask(expires=3600, contact="<sip:bob@192.0.2.99>")).status == 503, (
            "nothing has that on record"
        )
        assert (await sub.ask(expires=0)).status == 503
        await bob.quiet(10)
        assert list(here.store.all_subscriptions()) == [before]
        database.failing = False
        await alice.publish(document("In"))
        notify = await bob.notify()
        assert state(notify) == "active" and shown(notify) == [("open", "In")]
        assert (await sub.ask(expires=0)).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"
        await bob.quiet(10)


@virtual
async def test_a_refresh_that_cannot_be_kept_is_granted_what_is_on_record_and_the_watcher_goes_on_being_served() -> (
    None
):
    database = SimulatedDatabase()
    async with world(database=database) as here:
        bob = here.phone("bob")
        sub = await bob.subscribe(expires=600)
        await bob.notify()
        (before,) = here.store.all_subscriptions()
        await asyncio.sleep(100)
        database.failing = True
        answer = await sub.ask(expires=3600)
        assert answer.status == 200 and 490 <= int(answer.headers.get("Expires") or 0) <= 500
        assert state(await bob.notify()) == "active"
        assert list(here.store.all_subscriptions()) == [before]
        await asyncio.sleep(495)
        assert (await sub.ask(expires=3600)).status == 503
        await asyncio.sleep(60)
        assert (await sub.ask(expires=3600)).status == 503, (
            "not 481: it was not ended while nothing can be written"
        )
        database.failing = False
        assert (await sub.ask(expires=3600)).status in (200, 481)


@contextlib.asynccontextmanager
async def publishing_ourselves(here: World) -> AsyncIterator[Publisher]:
    """The service's own publisher, which has said `before` of alice."""
    agent = Hop(here.server.driver)
    session = Publisher(
        agent, here.clock, here.spawn, Options(target=None), token=lambda: "t", spread=lambda: 0.5
    )
    await session.start()
    session.publish(ALICE, document("before"))
    yield session
    await session.close(remove=False)
    agent.close()


async def watching(here: World) -> Phone:
    """Bob, who knows it; so does the store's record."""
    bob = here.phone("bob")
    await bob.subscribe(expires=3600)
    here.store.beat()
    await asyncio.sleep(5)
    bob.forget()
    return bob


@virtual
async def test_own_decisions_are_told_from_memory_while_nothing_can_be_written_and_written_afterwards() -> (
    None
):
    database = SimulatedDatabase()
    async with world(database=database) as here, publishing_ourselves(here) as session:
        bob = await watching(here)
        database.failing = True
        session.publish(ALICE, document("meanwhile"))
        await bob.quiet(3)
        for _ in range(5):
            here.store.beat()
            await asyncio.sleep(5)
        assert shown(await bob.notify(within=1)) == [("open", "meanwhile")]
        assert not here.store.available
        session.publish(ALICE, document("later"))
        assert shown(await bob.notify(within=1)) == [("open", "later")], (
            "at once, now that nothing is believed any more"
        )
        written = database.groups
        database.failing = False
        here.store.beat()
        await here.store.commit()
        assert here.store.available and database.groups > written
        (row,) = here.store.publications(ALICE, "presence")
        assert b"later" in row.body and b"later" in database.rows[Kind.PUBLICATION, row.id].body
        session.publish(ALICE, document("after"))
        assert shown(await bob.notify(within=1)) == [("open", "after")]


@virtual
async def test_a_clock_that_is_set_back_makes_own_decisions_wait_until_they_are_on_record() -> None:
    """By the clock that a restart would read the record is to be believed still: nothing may be told beside it."""
    database = SimulatedDatabase()
    async with world(database=database) as here, publishing_ourselves(here) as session:
        bob = await watching(here)
        database.failing = True
        here.clock.jump(-7200)
        session.publish(ALICE, document("meanwhile"))
        for _ in range(12):
            here.store.beat()
            await bob.quiet(5)
        database.failing = False
        here.store.beat()
        assert shown(await bob.notify(within=1)) == [("open", "meanwhile")]
        await here.store.commit()
        (row,) = here.store.publications(ALICE, "presence")
        assert b"meanwhile" in database.rows[Kind.PUBLICATION, row.id].body


@virtual
async def test_a_change_meanwhile_tells_nobody_whose_subscription_is_not_on_record_yet() -> None:
    database = SimulatedDatabase()
    database.delay = 1.0
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        publishing = asyncio.ensure_future(alice.publish(document("In")))
        await asyncio.sleep(0.5)
        await bob.subscribe()
        assert shown(await bob.notify()) == [("open", "In")]
        await publishing
        await bob.quiet(5)
        (notify,) = bob.notifies
        assert isinstance(bob.got[0].message, Response) and notify.cseq.number == 1


@virtual
async def test_failed_subscriptions_do_not_use_up_the_limit() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        here.server.close()
        here.config = type(here.config)(domains=here.config.domains, max_subscriptions_per_watcher=1)
        await here.start()
        bob = here.phone("bob")
        database.failing = True
        for _ in range(3):
            assert (await bob.subscribe()).answer.status == 503
        database.failing = False
        assert (await bob.subscribe()).answer.status == 200
        assert (await bob.subscribe()).answer.status == 403


@virtual
async def test_expiry_while_the_store_fails_is_told_once_and_when_it_holds() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        alice, bob, carol = here.phone("alice"), here.phone("bob"), here.phone("carol")
        await alice.publish(document("In"), expires=60)
        await bob.subscribe(expires=70)
        await carol.subscribe(expires=3600)
        await asyncio.sleep(1)
        database.failing = True
        bob.forget()
        carol.forget()
        sent, groups = len(here.wire.log), database.groups
        await asyncio.sleep(100)
        assert len(here.wire.log) - sent < 60 and database.groups - groups < 30, "no storms"
        database.failing = False
        ended = [notify for notify in (await _all(bob, 20)) if state(notify).startswith("terminated")]
        assert len(ended) == 1
        assert shown(carol.notifies[-1]) == [("closed", "")]
        await bob.quiet(60)


async def _all(phone, seconds):
    await asyncio.sleep(seconds)
    return phone.notifies
