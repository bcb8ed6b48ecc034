"""NOTIFY as RFC 6665 §4.2.2 wants it: one in flight, the newest state, and what its answers mean."""

import asyncio

import pytest

from agent.sip.messages import Request
from tests.support.phone import document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.wire import Carried
from tests.support.world import SimulatedDatabase, world

GONE = (404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604)
KEPT = (302, 400, 401, 403, 407, 408, 486, 491, 500, 502, 503, 504, 600, 603)


def silent(request: Request) -> None:
    """A script that answers nothing."""


@virtual
async def test_a_change_reaches_every_watcher_at_once_and_in_order() -> None:
    async with world() as here:
        alice = here.phone("alice")
        watchers = [here.phone(f"w{number}") for number in range(20)]
        for watcher in watchers:
            await watcher.subscribe()
            await watcher.notify()
        etag = None
        for turn in range(5):
            etag = (await alice.publish(document(f"{turn}"), etag=etag)).headers.get("SIP-ETag")
            for watcher in watchers:
                assert shown(await watcher.notify(within=0.1)) == [("open", f"{turn}")]
        for watcher in watchers:
            assert [notify.cseq.number for notify in watcher.notifies] == [1, 2, 3, 4, 5, 6]
        assert len(here.lateness) == 20 + 100 and max(here.lateness) < 0.01


@virtual
async def test_a_slow_watcher_gets_one_notify_at_a_time_and_then_only_the_newest() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        bob.script = silent
        etag = (await alice.publish(document("1"))).headers.get("SIP-ETag")
        pending = await bob.notify()
        for turn in range(2, 8):
            etag = (await alice.publish(document(f"{turn}"), etag=etag)).headers.get("SIP-ETag")
            await asyncio.sleep(0.05)
        assert len(bob.notifies) == 2
        bob.script = lambda request: 200
        bob.respond(pending, 200)
        assert shown(await bob.notify(within=0.2)) == [("open", "7")]
        assert [notify.cseq.number for notify in bob.notifies] == [1, 2, 3]
        await bob.quiet(30)


@virtual
async def test_what_changed_and_changed_back_meanwhile_is_not_told() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        bob.script = silent
        etag = (await alice.publish(document("1"))).headers.get("SIP-ETag")
        pending = await bob.notify()
        for note in ("2", "1"):
            etag = (await alice.publish(document(note), etag=etag)).headers.get("SIP-ETag")
        bob.respond(pending, 200)
        bob.script = lambda request: 200
        await bob.quiet(30)


@pytest.mark.parametrize("status", GONE)
@virtual
async def test_an_answer_that_says_gone_ends_the_subscription(status: int) -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        bob.script = lambda request: status
        await alice.publish(document("In"))
        await bob.notify()
        await asyncio.sleep(1)
        assert not here.store.all_subscriptions()
        await alice.publish(document("Out"))
        await bob.quiet(70)
        assert (await sub.ask()).status == 481
        assert await here.at_rest() == (0, 0, 0)


@pytest.mark.parametrize("status", KEPT)
@virtual
async def test_other_failures_keep_it_and_the_newest_state_comes_later(status: int) -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(expires=3600)
        await bob.notify()
        bob.script = lambda request: status
        etag = (await alice.publish(document("1"), expires=3600)).headers.get("SIP-ETag")
        await bob.notify()
        bob.script = lambda request: 200
        await alice.publish(document("2"), etag=etag, expires=3600)
        notify = await bob.notify(within=65)
        assert shown(notify) == [("open", "2")] and notify.cseq.number == 3
        await bob.quiet(200)


@virtual
async def test_retry_after_is_heeded() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(expires=3600)
        await bob.notify()
        bob.script = lambda request: (503, [("Retry-After", "180 (rebooting);duration=20")])
        etag = (await alice.publish(document("1"), expires=3600)).headers.get("SIP-ETag")
        await bob.notify()
        bob.script = lambda request: 200
        await alice.publish(document("2"), etag=etag, expires=3600)
        await bob.quiet(175)
        assert shown(await bob.notify(within=10)) == [("open", "2")]


@virtual
async def test_a_refresh_does_not_wait_for_retry_after() -> None:
    async with world() as here:
        bob = here.phone("bob")
        bob.script = lambda request: (503, [("Retry-After", "500")])
        sub = await bob.subscribe(expires=3600)
        await bob.notify()
        bob.script = lambda request: 200
        await sub.ask(expires=3600)
        assert state(await bob.notify(within=0.1)) == "active"
        await bob.quiet(600)


@virtual
async def test_a_watcher_that_falls_silent_is_dropped_after_eleven_sends() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(expires=3600)
        await bob.notify()
        bob.script = silent
        await alice.publish(document("1"), expires=3600)
        start = (await bob.notify(), bob.got[-1].at)[1]
        await asyncio.sleep(31.9)
        assert len(here.store.all_subscriptions()) == 1
        await asyncio.sleep(0.3)
        assert not here.store.all_subscriptions()
        sends = [round(got.at - start, 3) for got in bob.got if got.at >= start]
        assert sends == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert len({got.data for got in bob.got if got.at >= start}) == 1
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_a_watcher_that_cannot_be_reached_is_dropped_at_once() -> None:
    async with world(icmp=True) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(expires=3600)
        await bob.notify()
        here.wire.unbind(bob.address)
        await alice.publish(document("1"), expires=3600)
        await asyncio.sleep(0.1)
        assert not here.store.all_subscriptions()
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_a_provisional_answer_is_no_answer_yet() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        bob.script = lambda request: 100
        etag = (await alice.publish(document("1"))).headers.get("SIP-ETag")
        pending = await bob.notify()
        await alice.publish(document("2"), etag=etag)
        await asyncio.sleep(1)
        assert len(bob.notifies) == 2
        bob.forget()
        bob.script = lambda request: 200
        bob.respond(pending, 200)
        assert shown(await bob.notify(within=0.1)) == [("open", "2")]


@virtual
async def test_refreshing_while_a_notify_is_in_flight() -> None:
    """Two at a time could overtake each other, and the watcher would be left with the older state."""
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        bob.script = silent
        await alice.publish(document("1"))
        pending = await bob.notify()
        for _ in range(3):
            assert (await sub.ask()).status == 200
            await asyncio.sleep(0.05)
        assert len(bob.notifies) == 2
        bob.script = lambda request: 200
        bob.respond(pending, 200)
        assert shown(await bob.notify(within=0.2)) == [("open", "1")]
        assert [notify.cseq.number for notify in bob.notifies] == [1, 2, 3]
        await bob.quiet(30)


@virtual
async def test_unsubscribing_while_a_notify_is_in_flight() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        bob.script = silent
        await alice.publish(document("1"))
        pending = await bob.notify()
        assert (await sub.ask(expires=0)).status == 200
        bob.script = lambda request: 200
        bob.respond(pending, 481)
        last = await bob.notify(within=0.2)
        assert state(last) == "terminated;reason=timeout"
        assert last.cseq.number > pending.cseq.number
        await bob.quiet(70)
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_expiry_of_a_watcher_that_does_not_answer() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe(expires=60)
        await bob.notify()
        await asyncio.sleep(50)
        bob.script = silent
        await alice.publish(document("1"))
        await asyncio.sleep(120)
        assert not here.store.all_subscriptions()
        assert await here.at_rest() == (0, 0, 0)
        assert [state(notify) for notify in bob.notifies][-1] == "terminated;reason=timeout"


@virtual
async def test_while_an_end_is_being_written_nothing_else_is_sent() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        bob.script = silent
        etag = (await alice.publish(document("1"))).headers.get("SIP-ETag")
        pending = await bob.notify()
        await alice.publish(document("2"), etag=etag)
        bob.script = lambda request: 200
        database.delay = 0.3
        ending = sub.compose(expires=0)
        bob.send(ending)
        await asyncio.sleep(0.1)
        bob.respond(pending, 200)
        last = await bob.notify()
        assert state(last) == "terminated;reason=timeout" and shown(last) == [("open", "2")]
        assert [notify.cseq.number for notify in bob.notifies] == [1, 2, 3]
        await bob.quiet(30)


@virtual
async def test_a_lost_200_means_the_same_notify_again() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        lost: list[Carried] = []

        def lose_two(carried: Carried) -> bool:
            if carried.source == bob.address and len(lost) < 2:
                lost.append(carried)
                return True
            return False

        here.wire.drop = lose_two
        await alice.publish(document("1"))
        await asyncio.sleep(5)
        assert [request.cseq.number for request in bob.requests] == [1, 2, 2, 2]
        assert len(here.store.all_subscriptions()) == 1


@virtual
async def test_documents_are_kept_only_of_those_who_are_watched() -> None:
    async with world() as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        for number in range(20):
            await bob.subscribe(expires=0, uri=f"sip:u{number}@example.org")
        await asyncio.sleep(1)
        assert here.server.documents_kept == 1
        await sub.ask(expires=0)
        await asyncio.sleep(1)
        assert here.server.documents_kept == 0
