"""Floods and overload: cheap refusals, silence for who goes on, and nothing lost for those who are served already."""

import asyncio
from collections import Counter

from agent.presence.admission import Thresholds
from agent.server.config import ServerConfig
from agent.server.server import Passwords
from agent.sip.digest import make_ha1
from tests.support.phone import Phone, document, shown
from tests.support.virtual_loop import virtual
from tests.support.wire import SERVER
from tests.support.world import World, world

DOMAINS = frozenset({"example.org"})


def passwords() -> Passwords:
    return Passwords("example.org", lambda user, name: make_ha1(name, user, "example.org", "secret"))


async def flood(phone: Phone, count: int, per_second: int) -> Counter[int]:
    """So many requests without waiting for answers; the answers by status."""
    before = len(phone.got)
    for _ in range(count):
        phone.send(phone.compose("OPTIONS"))
        await asyncio.sleep(1 / per_second)
    await asyncio.sleep(1)
    return Counter(got.message.status for got in phone.got[before:] if hasattr(got.message, "status"))


@virtual
async def test_a_flood_is_refused_cheaply_then_not_answered_and_costs_others_nothing() -> None:
    config = ServerConfig(domains=DOMAINS, requests_per_second=10, requests_burst=100)
    async with world(config=config, passwords=passwords()) as here:
        mallory, bob = here.phone("mallory"), here.phone("bob")
        answers = await flood(mallory, 5000, per_second=2000)
        assert answers[200] <= 100 + 10 * 4
        assert 50 <= answers[503] <= 50 + 10 * 5
        assert sum(answers.values()) < 300, "who goes on is not answered"
        refused = next(got.message for got in mallory.got if got.message.status == 503)  # type: ignore[union-attr]
        assert int(refused.headers.get("Retry-After") or 0) > 0
        _, servers = here.server.driver.endpoint.open_transactions
        assert servers <= answers[200], "a refusal leaves nothing behind"
        assert (await bob.ask(bob.compose("OPTIONS"))).status == 200
        await asyncio.sleep(60)
        assert (await flood(mallory, 5, per_second=5))[200] == 5, "it is forgiven"


def waiting(here: World, datagrams: int) -> None:
    """Have the kernel say that so much is waiting to be read."""
    (port,) = here.server.transports._udp
    assert port.address == SERVER
    port.waiting = datagrams  # type: ignore[misc]


@virtual
async def test_under_pressure_what_is_new_waits_and_refreshes_are_served() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("before"))).headers.get("SIP-ETag")
        sub = await bob.subscribe(expires=600)
        await bob.notify()
        await asyncio.sleep(5)
        waiting(here, 30_000)
        refused = (await here.phone("carol").subscribe()).answer
        assert refused.status == 503 and 5 <= int(refused.headers.get("Retry-After") or 0) <= 15
        assert (await here.phone("carol").publish(document("new"), uri="sip:carol@example.org")).status == 503
        assert (await sub.ask(expires=600)).status == 200
        await bob.notify()
        answer = await alice.publish(document("during"), etag=etag)
        assert answer.status == 200
        assert shown(await bob.notify()) == [("open", "during")], "watchers are told"
        await asyncio.sleep(5)
        waiting(here, 60_000)
        assert (await sub.ask(expires=600)).status == 503
        assert (await alice.publish(document("too much"), etag=answer.headers.get("SIP-ETag"))).status == 503
        waiting(here, 0)
        await asyncio.sleep(5)
        assert (await sub.ask(expires=600)).status == 200, "the subscription stood all the time"
        assert shown(await bob.notify()) == [("open", "during")]
        assert (await here.phone("carol").subscribe()).answer.status == 200


@virtual
async def test_copies_of_what_was_taken_on_are_answered_whatever_the_pressure() -> None:
    async with world() as here:
        bob = here.phone("bob")
        request = bob.compose("OPTIONS")
        assert (await bob.ask(request)).status == 200
        waiting(here, 60_000)
        await asyncio.sleep(1)
        bob.send(bob.compose("OPTIONS"))
        bob.forget()
        bob.send(request)
        await asyncio.sleep(1)
        assert 200 in [got.message.status for got in bob.got[-2:]]  # type: ignore[union-attr]


@virtual
async def test_transactions_are_bounded() -> None:
    config = ServerConfig(domains=DOMAINS, thresholds=Thresholds(transactions=50))
    async with world(config=config) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("kept"))).headers.get("SIP-ETag")
        answers = await flood(bob, 300, per_second=1000)
        assert answers[200] < 50 and answers[503] > 0
        assert here.server.driver.endpoint.open_transactions[1] <= 50
        assert (await alice.publish(document("refreshed"), etag=etag)).status == 200
        assert await here.at_rest() == (0, 0, 0)
        assert (await bob.ask(bob.compose("OPTIONS"))).status == 200
