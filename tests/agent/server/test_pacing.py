"""Not more often than the admin wants (RFC 3856 §6.10), and never too late for the last state."""

import asyncio

from agent.server.config import ServerConfig
from tests.support.phone import document, shown
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
