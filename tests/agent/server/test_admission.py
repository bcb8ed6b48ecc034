"""Who may watch whom, as watchers see it (RFC 3856 §6.6.2, RFC 6665 §4.2.1.3, §4.2.2)."""

import asyncio

import pytest

from agent.presence.authorization import DomainPolicy, SubHandling
from agent.server.config import ServerConfig
from tests.support.phone import ALICE, Phone, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import SimulatedDatabase, World, world

BLOCK, CONFIRM, POLITE, ALLOW = SubHandling


def config(handling: SubHandling, **changes: int) -> ServerConfig:
    return ServerConfig(domains=frozenset({"example.org"}), authorize=DomainPolicy(handling), **changes)  # type: ignore[arg-type]


def decide(here: World, handling: SubHandling) -> None:
    here.server.allow(DomainPolicy(handling))


async def published(here: World, note: str) -> Phone:
    alice = here.phone("alice")
    assert (await alice.publish(document(note))).status == 200
    return alice


def says_nothing(notify: object) -> bool:
    return not notify.body and "Content-Type" not in notify.headers  # type: ignore[attr-defined]


@virtual
async def test_who_is_denied_gets_403_and_no_notify() -> None:
    async with world(config=config(BLOCK)) as here:
        bob = here.phone("bob")
        assert (await bob.subscribe()).answer.status == 403
        assert (await bob.subscribe(expires=0)).answer.status == 403
        await bob.quiet(5)
        assert not list(here.store.all_subscriptions())
        alice = here.phone("alice")
        assert (await alice.subscribe()).answer.status == 200, "everybody may watch themselves"


@virtual
async def test_who_has_to_wait_is_told_nothing_until_somebody_has_decided() -> None:
    async with world(config=config(CONFIRM)) as here:
        alice, bob = await published(here, "one"), here.phone("bob")
        subscribed = await bob.subscribe()
        assert subscribed.answer.status == 200
        notify = await bob.notify(within=0.1)
        assert state(notify) == "pending" and says_nothing(notify)
        assert "expires=" in (notify.headers.get("Subscription-State") or "")
        await alice.publish(document("two"))
        await bob.quiet(5)
        decide(here, ALLOW)
        notify = await bob.notify(within=0.1)
        assert state(notify) == "active" and {note for _, note in shown(notify)} == {"one", "two"}
        await alice.publish(document("three"))
        assert state(await bob.notify(within=0.1)) == "active"


@virtual
async def test_a_refresh_while_waiting_is_answered_with_nothing_again() -> None:
    async with world(config=config(CONFIRM)) as here:
        bob = here.phone("bob")
        subscribed = await bob.subscribe()
        await bob.notify(within=0.1)
        assert (await subscribed.ask()).status == 200
        notify = await bob.notify(within=0.1)
        assert state(notify) == "pending" and says_nothing(notify)


@virtual
async def test_a_fetch_while_waiting_says_nothing_and_leaves_nothing() -> None:
    async with world(config=config(CONFIRM)) as here:
        await published(here, "one")
        bob = here.phone("bob")
        await bob.subscribe(expires=0)
        notify = await bob.notify(within=0.1)
        assert state(notify) == "terminated;reason=timeout" and says_nothing(notify)
        assert not list(here.store.all_subscriptions())


@pytest.mark.parametrize("before", [CONFIRM, ALLOW, POLITE])
def test_who_is_denied_later_is_told_rejected_without_a_document(before: SubHandling) -> None:
    @virtual
    async def run() -> None:
        async with world(config=config(before)) as here:
            alice, bob = await published(here, "one"), here.phone("bob")
            subscribed = await bob.subscribe()
            await bob.notify(within=0.1)
            decide(here, BLOCK)
            notify = await bob.notify(within=0.1)
            assert state(notify) == "terminated;reason=rejected" and says_nothing(notify)
            await alice.publish(document("two"))
            await bob.quiet(5)
            assert (await subscribed.ask()).status == 481
            assert not list(here.store.all_subscriptions())

    run()


@virtual
async def test_permission_can_be_taken_back_for_a_while() -> None:
    async with world(config=config(ALLOW)) as here:
        alice, bob = await published(here, "one"), here.phone("bob")
        await bob.subscribe()
        await bob.notify(within=0.1)
        decide(here, CONFIRM)
        notify = await bob.notify(within=0.1)
        assert state(notify) == "pending" and says_nothing(notify)
        await alice.publish(document("two"))
        await bob.quiet(5)
        decide(here, ALLOW)
        assert state(await bob.notify(within=0.1)) == "active"


@virtual
async def test_who_is_blocked_politely_cannot_tell() -> None:
    """RFC 6665 §6.2: head and document are those of somebody who watches an address that nobody publishes for."""
    async with world(config=config(POLITE)) as here:
        alice, bob = await published(here, "here"), here.phone("bob")
        await bob.subscribe()
        blocked = await bob.notify(within=0.1)
        assert state(blocked) == "active" and shown(blocked) == [("closed", "")]
        await alice.publish(document("there"))
        await bob.quiet(5)
    async with world(config=config(ALLOW)) as here:
        here.phone("alice")
        carol = here.phone("bob")
        await carol.subscribe()
        unknown = await carol.notify(within=0.1)
    assert unknown.body == blocked.body
    assert [name for name, _ in unknown.headers] == [name for name, _ in blocked.headers]


@virtual
async def test_a_lamp_that_is_blocked_politely_is_dark() -> None:
    async with world(config=config(POLITE)) as here:
        bob = here.phone("bob")
        await bob.subscribe(event="dialog")
        notify = await bob.notify(within=0.1)
        assert b"<dialog " not in notify.body and b'state="full"' in notify.body


@virtual
async def test_polite_blocking_may_end_and_begin_while_somebody_watches() -> None:
    async with world(config=config(POLITE)) as here:
        await published(here, "here")
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify(within=0.1)
        decide(here, ALLOW)
        assert shown(await bob.notify(within=0.1)) == [("open", "here")]
        decide(here, POLITE)
        assert shown(await bob.notify(within=0.1)) == [("closed", "")]


@virtual
async def test_nobody_waits_for_ever() -> None:
    async with world(config=config(CONFIRM, pending_for=900)) as here:
        bob = here.phone("bob")
        subscribed = await bob.subscribe(expires=600)
        await bob.notify(within=0.1)
        await asyncio.sleep(500)
        answer = await subscribed.ask(expires=600)
        assert 390 <= int(answer.headers.get("Expires") or "") <= 400
        await bob.notify(within=0.1)
        notify = await bob.notify(within=405)
        assert state(notify) == "terminated;reason=giveup" and says_nothing(notify)


@virtual
async def test_a_watcher_that_waits_and_does_not_refresh_runs_out() -> None:
    async with world(config=config(CONFIRM)) as here:
        bob = here.phone("bob")
        await bob.subscribe(expires=60)
        await bob.notify(within=0.1)
        assert state(await bob.notify(within=62)) == "terminated;reason=timeout"


@virtual
async def test_strangers_cannot_fill_the_store_with_wishes() -> None:
    async with world(config=config(CONFIRM, max_pending_per_presentity=2)) as here:
        for _ in range(2):
            assert (await here.phone("eve").subscribe()).answer.status == 200
        refused = (await here.phone("eve").subscribe()).answer
        assert refused.status == 503 and refused.headers.get("Retry-After") == "60"


@virtual
async def test_a_presentity_has_so_many_watchers_and_no_more() -> None:
    async with world(config=config(ALLOW, max_subscriptions_per_presentity=2)) as here:
        for _ in range(2):
            assert (await here.phone("bob").subscribe()).answer.status == 200
        assert (await here.phone("bob").subscribe()).answer.status == 503
        assert (await here.phone("bob").subscribe(uri="sip:carol@example.org")).answer.status == 200


@virtual
async def test_who_is_no_more_is_told_so() -> None:
    async with world(config=config(ALLOW)) as here:
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify(within=0.1)
        here.server.withdraw(ALICE)
        notify = await bob.notify(within=0.1)
        assert state(notify) == "terminated;reason=noresource"
        assert shown(notify) == [("closed", "")], "no lamp stays lit"


@virtual
async def test_while_somebody_else_publishes_for_them_they_are_there() -> None:
    async with world(config=config(ALLOW)) as here:
        await published(here, "still here")
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify(within=0.1)
        here.server.withdraw(ALICE)
        await bob.quiet(5)


@virtual
async def test_a_decision_that_changed_during_a_restart_holds_for_those_who_watch() -> None:
    async with world(config=config(ALLOW)) as here:
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify(within=0.1)
        here.server.close()
        here.config = config(BLOCK)
        await here.start()
        assert state(await bob.notify(within=0.1)) == "terminated;reason=rejected"


@virtual
async def test_what_cannot_be_stored_is_not_told() -> None:
    database = SimulatedDatabase()
    async with world(config=config(ALLOW), database=database) as here:
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify(within=0.1)
        database.failing = True
        decide(here, BLOCK)
        await bob.quiet(2)
        assert len(list(here.store.all_subscriptions())) == 1
