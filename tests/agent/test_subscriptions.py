"""Subscriptions for connectors, at a server that does as it is told, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.net.resolver import Resolver
from agent.net.user_agent import UserAgent
from agent.sip.flows import Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request
from agent.subscriptions import Subscriptions
from agent.supervise import Supervisor
from connectors.errors import (
    AuthFailed,
    ConnectorError,
    Forbidden,
    Misconfigured,
    NotFound,
    Refused,
    Unreachable,
)
from connectors.sip import Notice, Subscription, Wanted
from tests.connectors.support import LOOPBACK
from tests.support.notifier import Notifier, accept, notifier
from tests.support.ports import free_port
from tests.support.virtual_loop import LoopClock, virtual_beside_threads


@dataclass
class Watching:
    """What one connector would see."""

    server: Notifier
    subscriptions: Subscriptions
    clock: LoopClock
    told: list[Notice] = field(default_factory=list)
    lost: asyncio.Queue[ConnectorError] = field(default_factory=asyncio.Queue)

    def subscribe(self, uri: str | None = None, **more: Any) -> Subscription:
        wanted = Wanted(uri or self.server.uri("1001"), "dialog", ("text/plain",), expires=600, **more)
        return self.subscriptions.subscribe(wanted, self.told.append, self.lost.put_nowait)

    def bodies(self) -> list[bytes]:
        return [notice.body for notice in self.told]


@asynccontextmanager
async def watching() -> AsyncIterator[Watching]:
    clock = LoopClock(asyncio.get_running_loop())
    counter = iter(range(10_000))
    async with notifier(clock) as server, Supervisor(clock=clock) as supervisor:
        subscriptions = Subscriptions(
            clock, supervisor, token=lambda: f"token{next(counter)}", spread=lambda: 0.5, allow=LOOPBACK
        )
        try:
            yield Watching(server, subscriptions, clock)
        finally:
            await subscriptions.close()


@virtual_beside_threads
async def test_what_is_notified_is_told_in_order_until_it_is_stopped() -> None:
    async with watching() as here:
        subscription = here.subscribe()
        first = await here.server.subscribed(1)
        assert (first.headers.get("Event"), first.headers.get("Accept")) == ("dialog", "text/plain")
        assert await here.server.notify(first, "one") == 200
        assert await here.server.notify(first, "two") == 200
        assert here.bodies() == [b"one", b"two"]
        subscription.stop()
        last = await here.server.subscribed(2)
        assert last.headers.get("Expires") == "0"
        assert await here.server.notify(last, "three", state="terminated;reason=timeout") == 200
        assert here.bodies() == [b"one", b"two"]
        assert here.lost.empty()


@virtual_beside_threads
async def test_it_is_refreshed_before_it_ends_and_when_the_full_state_is_wanted() -> None:
    async with watching() as here:
        subscription = here.subscribe()
        first = await here.server.subscribed(1)
        await here.server.notify(first, "one")
        began = here.clock.monotonic()
        second = await here.server.subscribed(2)
        assert second.call_id == first.call_id
        assert 0 < here.clock.monotonic() - began < 600
        await here.server.notify(second, "two")
        asked = here.clock.monotonic()
        subscription.refresh()
        await here.server.subscribed(3)
        assert here.clock.monotonic() - asked < 10


@virtual_beside_threads
async def test_a_notify_of_nobodys_is_answered_481() -> None:
    async with watching() as here:
        here.subscribe()
        first = await here.server.subscribed(1)
        assert await here.server.notify(first, "one") == 200
        contact = first.headers.get("Contact") or ""
        headers = Headers(
            [
                ("From", "<sip:1001@pbx.example>;tag=old"),
                ("To", "<sip:watcher@pbx.example>;tag=before-the-restart"),
                ("Call-ID", "of-another-life"),
                ("CSeq", "7 NOTIFY"),
                ("Event", "dialog"),
                ("Subscription-State", "active"),
                ("Contact", "<sip:pbx.example>"),
            ]
        )
        stray = Request("NOTIFY", contact.strip("<>"), headers)
        async with UserAgent.open(here.clock, Resolver()) as stranger:
            assert (await stranger.request(stray)).status == 481
        assert here.bodies() == [b"one"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthFailed),
        (403, Forbidden),
        (404, NotFound),
        (489, Misconfigured),
        (503, Unreachable),
    ],
)
def test_a_refusal_says_who_has_to_do_something(status: int, kind: type[ConnectorError]) -> None:
    @virtual_beside_threads
    async def run() -> None:
        async with watching() as here:
            here.server.verdict = lambda request: (status, [])
            here.subscribe()
            error = await here.lost.get()
            assert isinstance(error, kind)
            assert str(status) in error.words

    run()


@virtual_beside_threads
async def test_a_server_that_is_silent_or_absent_is_unreachable() -> None:
    async with watching() as here:
        here.subscribe(f"sip:1001@127.0.0.1:{free_port()}")
        assert isinstance(await here.lost.get(), Unreachable)
        here.subscribe("sip:1001@nowhere.invalid")
        assert isinstance(await here.lost.get(), Unreachable)
        here.subscribe("mailto:alice@example.org")
        assert isinstance(await here.lost.get(), Misconfigured)


@virtual_beside_threads
async def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    async with watching() as here:
        here.subscribe("sip:1001@10.1.2.3")
        error = await here.lost.get()
        assert isinstance(error, Refused)
        assert "10.1.2.3" in error.words


@virtual_beside_threads
async def test_accepted_without_a_notify_says_what_may_be_wrong() -> None:
    async with watching() as here:
        here.subscribe()
        error = await here.lost.get()
        assert "NOTIFY" in error.words


@pytest.mark.parametrize("reason", ["deactivated", "timeout"])
def test_some_ends_are_followed_by_a_new_subscription_at_once(reason: str) -> None:
    """RFC 6665 §4.1.3."""

    @virtual_beside_threads
    async def run() -> None:
        async with watching() as here:
            here.subscribe()
            first = await here.server.subscribed(1)
            await here.server.notify(first, "one")
            began = here.clock.monotonic()
            await here.server.notify(first, state=f"terminated;reason={reason}")
            second = await here.server.subscribed(2)
            assert second.call_id != first.call_id
            assert here.clock.monotonic() - began < 1
            await here.server.notify(second, "two")
            assert here.bodies() == [b"one", b"two"]
            assert here.lost.empty()

    run()


@pytest.mark.parametrize(
    ("state", "kind", "wait"),
    [
        ("terminated;reason=probation;retry-after=90", Unreachable, 90),
        ("terminated;reason=giveup;retry-after=120", Unreachable, 120),
        ("terminated", Unreachable, 0),
        ("terminated;reason=rejected", Forbidden, 0),
        ("terminated;reason=noresource", Forbidden, 0),
    ],
)
def test_other_ends_are_told_with_how_long_to_wait(state: str, kind: type[ConnectorError], wait: int) -> None:
    """RFC 6665 §4.1.3."""

    @virtual_beside_threads
    async def run() -> None:
        async with watching() as here:
            here.subscribe()
            first = await here.server.subscribed(1)
            await here.server.notify(first, "one")
            await here.server.notify(first, state=state)
            error = await here.lost.get()
            assert isinstance(error, kind)
            if isinstance(error, Unreachable):
                assert error.retry_after is not None and error.retry_after >= wait

    run()


@virtual_beside_threads
async def test_nothing_is_told_while_it_is_pending() -> None:
    async with watching() as here:
        here.subscribe()
        first = await here.server.subscribed(1)
        assert await here.server.notify(first, "not yet", state="pending;expires=600") == 200
        assert await here.server.notify(first, "now") == 200
        assert here.bodies() == [b"now"]


@virtual_beside_threads
async def test_423_asks_for_longer() -> None:
    async with watching() as here:
        here.server.verdict = lambda request: (
            accept(request)
            if int(request.headers.get("Expires") or 0) >= 900
            else (423, [("Min-Expires", "900")])
        )
        here.subscribe()
        second = await here.server.subscribed(2)
        assert second.headers.get("Expires") == "900"
        assert await here.server.notify(second, "one") == 200


@virtual_beside_threads
async def test_over_tcp() -> None:
    async with watching() as here:
        here.subscribe(here.server.uri("1001", Transport.TCP))
        first = await here.server.subscribed(1)
        assert "transport=tcp" in (first.headers.get("Contact") or "")
        assert await here.server.notify(first, "one") == 200
        assert here.bodies() == [b"one"]
