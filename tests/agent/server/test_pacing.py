"""Not more often than the admin wants (RFC 3856 §6.10), and never too late for the last state."""

import asyncio
from dataclasses import replace

from agent.presence.authorization import DomainPolicy, SubHandling
from agent.server.config import ServerConfig
from tests.agent.server.test_dialog_lamps import lamp
from tests.agent.server.test_dialogs import calls, publish
from tests.support.phone import document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import world

PACED = ServerConfig(domains=frozenset({"example.org"}), minimum_interval=5.0)


@virtual
async def test_the_first_change_goes_at_once_and_those_after_it_are_merged_into_one() -> None:
    async with world(config=PACED) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        await asyncio.sleep(6)
        etag = (await alice.publish(document("1"))).headers.get("SIP-ETag")
        assert shown(await bob.notify(within=0.1)) == [("open", "1")]
        for turn in range(2, 6):
            etag = (await alice.publish(document(f"{turn}"), etag=etag)).headers.get("SIP-ETag")
            await asyncio.sleep(0.5)
        await bob.quiet(2.5)
        assert shown(await bob.notify(within=1)) == [("open", "5")]
        await bob.quiet(30)


@virtual
async def test_what_a_subscribe_asks_for_does_not_wait() -> None:
    async with world(config=PACED) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        await alice.publish(document("1"))
        await bob.quiet(1)
        await bob.subscribe()
        assert shown(await bob.notify(within=0.1)) == [("open", "1")]


@virtual
async def test_by_default_nothing_waits() -> None:
    """RFC 3856 §6.10 names five seconds, which would show a call late; whoever wants them sets them."""
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        etag = None
        for turn in range(3):
            etag = (await alice.publish(document(f"{turn}"), etag=etag)).headers.get("SIP-ETag")
            assert shown(await bob.notify(within=0.1)) == [("open", f"{turn}")]


@virtual
async def test_the_end_and_a_decision_on_the_watcher_do_not_wait() -> None:
    config = replace(PACED, authorize=DomainPolicy(SubHandling.CONFIRM))
    async with world(config=config) as here:
        bob = here.phone("bob")
        subscribed = await bob.subscribe()
        await bob.notify()
        here.server.allow(DomainPolicy())
        assert state(await bob.notify(within=0.1)) == "active"
        await subscribed.ask(expires=0)
        assert state(await bob.notify(within=0.1)) == "terminated;reason=timeout"


@virtual
async def test_calls_once_a_second_but_ringing_at_once() -> None:
    """RFC 4235 §3.10."""
    config = ServerConfig(domains=frozenset({"example.org"}), minimum_dialog_interval=1.0)
    async with world(config=config) as here:
        phone, watcher = here.phone("alice"), here.phone("lamp")
        await watcher.subscribe(event="dialog")
        await watcher.notify(within=0.1)
        etag = await publish(phone, calls("confirmed"))
        await watcher.quiet(0.5)
        etag = await publish(phone, calls("confirmed", "early"), etag)
        assert lamp(await watcher.notify(within=0.1)) == ["confirmed", "early"]
        await publish(phone, calls("terminated"), etag)
        await watcher.quiet(0.8)
        assert lamp(await watcher.notify(within=0.3)) == []
        await watcher.quiet(5)
