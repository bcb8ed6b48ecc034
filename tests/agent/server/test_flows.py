"""Devices that keep flows open (RFC 5626): what a lost one ends, and what goes on over the next."""

import asyncio
from contextlib import AsyncExitStack

from tests.agent.server.test_register import INSTANCE, register
from tests.agent.server.test_tcp import EVENT, all_closed, served
from tests.support.phone import document, shown
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world

BOB = "sip:bob@example.org"
CONTACT = "sip:bob@10.255.255.1:5060;transport=tcp;ob"


async def registered(bob: Stream, flow: int | None, expires: int = 600) -> list[str]:
    """REGISTER over this connection; the Require of the answer."""
    number = f";{INSTANCE};reg-id={flow}" if flow is not None else ""
    contact = f"Contact: <{CONTACT}>{number}"
    data = bob.compose(
        "REGISTER", contact, "Supported: outbound", f"Expires: {expires}", uri="sip:example.org", call_id="r"
    )
    bob.send(data.replace(b"To: <sip:alice@", b"To: <sip:bob@"))
    answer = await bob.response()
    assert answer.status == 200
    return answer.headers.values("Require")


@virtual_beside_threads
async def test_a_lost_connection_ends_the_binding_that_was_kept_to_it() -> None:
    async with served() as (here, address):
        changed: list[str] = []
        here.server.on_registration = changed.append
        async with await Stream.connect(address) as bob:
            assert await registered(bob, 1) == ["outbound"]
            assert len(here.store.bindings(BOB)) == 1
        await all_closed(here)
        await asyncio.sleep(0.1)
        assert here.store.bindings(BOB) == () and changed == [BOB, BOB]


@virtual_beside_threads
async def test_an_ordinary_binding_outlives_its_connection() -> None:
    async with served() as (here, address):
        async with await Stream.connect(address) as bob:
            assert await registered(bob, None) == []
        await all_closed(here)
        assert len(here.store.bindings(BOB)) == 1


@virtual_beside_threads
async def test_a_binding_that_has_moved_to_another_connection_stays_with_it() -> None:
    async with served() as (here, address), await Stream.connect(address) as later:
        async with await Stream.connect(address) as first:
            await registered(first, 1)
            await registered(later, 1)
        while here.server.driver.open_connections > 1:
            await asyncio.sleep(1.1)
        assert len(here.store.bindings(BOB)) == 1


@virtual_beside_threads
async def test_a_subscription_goes_on_over_the_device_s_other_flow() -> None:
    async with AsyncExitStack() as stack:
        here, address = await stack.enter_async_context(served())
        first = await Stream.connect(address)
        second = await stack.enter_async_context(await Stream.connect(address))
        await registered(first, 1)
        await registered(second, 2)
        first.send(first.compose("SUBSCRIBE", EVENT, "Expires: 600", f"Contact: <{CONTACT}>"))
        assert (await first.response()).status == 200
        await first.notify()
        await first.close()
        while here.server.driver.open_connections > 1:
            await asyncio.sleep(1.1)
        await here.phone("alice").publish(document("still here"))
        assert shown(await second.notify()) == [("open", "still here")]
        assert len(list(here.store.all_subscriptions())) == 1


@virtual_beside_threads
async def test_without_another_flow_it_is_over() -> None:
    """RFC 5626 §4.3: nothing but the flow leads to an `ob` contact; no half minute of attempts."""
    async with served() as (here, address):
        async with await Stream.connect(address) as bob:
            bob.send(bob.compose("SUBSCRIBE", EVENT, "Expires: 600", f"Contact: <{CONTACT}>"))
            assert (await bob.response()).status == 200
            await bob.notify()
        await all_closed(here)
        await here.phone("alice").publish(document("x"))
        await asyncio.sleep(0.1)
        assert not list(here.store.all_subscriptions())


@virtual
async def test_behind_a_proxy_that_keeps_no_flows_a_device_is_told_so() -> None:
    async with world() as here:
        phone = here.phone("alice")
        contact = f"<sip:alice@192.0.2.7:1111;ob>;{INSTANCE};reg-id=1"
        behind = ("Supported: path, outbound", "Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx")
        refused = await register(phone, contact, lines=behind)
        assert refused.status == 439 and refused.reason == "First Hop Lacks Outbound Support"
        assert not here.store.all_bindings()
        path = await register(phone, contact, lines=(*behind, "Path: <sip:192.0.2.99;lr>"))
        assert path.status == 439
        kept = await register(phone, contact, lines=(*behind, "Path: <sip:192.0.2.99;lr;ob>"))
        assert kept.status == 200 and kept.headers.values("Require") == ["outbound"]
        plain = f"<sip:alice@192.0.2.7:1111>;{INSTANCE}"
        assert (await register(phone, plain, lines=behind)).status == 200, "it did not ask for a flow"
