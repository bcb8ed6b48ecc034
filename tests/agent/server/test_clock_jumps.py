"""A clock that is set, forth and back, while the service runs: what was granted lasts, and ends in time."""

import asyncio

import pytest

from tests.support.phone import ALICE, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import SimulatedDatabase, world

HOURS = [7200.0, -7200.0, 90 * 86400.0]


@pytest.mark.parametrize("jump", HOURS)
@virtual
async def test_what_was_granted_lasts_as_long_as_it_would_have(jump: float) -> None:
    async with world() as here:
        alice, bob, carol = here.phone("alice"), here.phone("bob"), here.phone("carol")
        etag = (await alice.publish(document("In"), expires=1000)).headers.get("SIP-ETag")
        sub = await bob.subscribe(expires=1000)
        await bob.notify()
        begun = here.clock.monotonic()
        await asyncio.sleep(100)
        here.clock.jump(jump)
        await bob.quiet(60)
        assert (await sub.ask(expires=900)).status == 200
        told = await bob.notify()
        assert shown(told) == [("open", "In")] and "expires=900" in (
            told.headers.get("Subscription-State") or ""
        )
        assert (await carol.subscribe(expires=0)).answer.status == 200
        assert shown(await carol.notify()) == [("open", "In")]
        gone = await bob.notify(within=900)
        assert shown(gone) == [("closed", "")] and 999 < here.clock.monotonic() - begun < 1003
        assert (await alice.publish(etag=etag)).status == 412
        assert state(await bob.notify(within=900)) == "terminated;reason=timeout"


@virtual
async def test_a_request_is_the_first_to_see_that_the_clock_was_set() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"), expires=600)).headers.get("SIP-ETag")
        sub = await bob.subscribe(expires=600)
        await bob.notify()
        here.clock.jump(86400)
        assert (await sub.ask(expires=600)).status == 200
        assert shown(await bob.notify()) == [("open", "In")]
        here.clock.jump(-86400)
        assert (await alice.publish(document("Out"), etag=etag)).status == 200
        assert shown(await bob.notify()) == [("open", "Out")], "the newest counts, whatever the clock says"


@virtual
async def test_a_clock_that_is_set_while_nothing_can_be_written() -> None:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("In"), expires=3000)).headers.get("SIP-ETag")
        sub = await bob.subscribe(expires=3000)
        await bob.notify()
        database.failing = True
        here.clock.jump(7200)
        await asyncio.sleep(60)
        database.failing = False
        await asyncio.sleep(5)
        assert (await sub.ask(expires=600)).status == 200
        assert shown(await bob.notify(within=5)) == [("open", "In")] or shown(bob.notifies[-1]) == [
            ("open", "In")
        ]
        assert (await alice.publish(etag=etag)).status == 200


@virtual
@pytest.mark.parametrize("jumps", [(7200.0, -3600.0), (-7200.0, -7200.0), (-3600.0, 86_400.0, -7200.0)])
async def test_a_clock_that_is_set_again_and_again_while_nothing_can_be_written(
    jumps: tuple[float, ...],
) -> None:
    """What was granted for fifty minutes lasts fifty minutes: neither less nor more."""
    database = SimulatedDatabase()
    database.delay = 0.2
    async with world(database=database) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.publish(document("In"), expires=3000)
        await bob.subscribe(expires=3600)
        await bob.notify()
        database.failing = True
        for jump in jumps:
            here.clock.jump(jump)
            await asyncio.sleep(30)
        database.failing = False
        await asyncio.sleep(20)
        assert here.store.available
        left = 3000 - 30 * len(jumps) - 20
        (row,) = here.store.publications(ALICE, "presence")
        assert row.expires_at - here.clock.wall() == pytest.approx(left, abs=5)
        bob.forget()
        await bob.quiet(left - 10)
        assert shown(await bob.notify(within=20)) == [("closed", "")]
        assert state(bob.notifies[-1]) == "active"
