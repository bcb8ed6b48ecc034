"""Links to the Exchange stand-in that share a hub."""

import asyncio
import gc
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Context, Entry, Link
from connectors.exchange.connector import ExchangeConnector
from connectors.exchange.hub import ExchangeHub
from connectors.exchange.settings import ExchangeHubSettings, ExchangeSettings
from connectors.facts import CalendarEvent, Fact
from connectors.privacy import Privacy
from tests.connectors.exchange.ews_server import Ews, Item, ews_server
from tests.connectors.support import World, new_world
from tests.support.clock import MONDAY_NINE, VirtualClock

ALICE, BOB = "alice@example.org", "bob@example.org"


def at(hour: float, day: int = 0) -> datetime:
    """A time of the virtual Monday (UTC), or of days after it."""
    return MONDAY_NINE.replace(hour=0) + timedelta(days=day, hours=hour)


def meeting(hour: float, hours: float = 1, **given: Any) -> Item:
    return Item(at(hour), at(hour + hours), **given)


@dataclass
class Office:
    """An organisation's server, and what its entry in the settings says."""

    ews: Ews
    world: World
    shared: dict[str, Any]
    secret: str | None
    _hub: ExchangeHub | None = None
    _made: list[ExchangeConnector] = field(default_factory=list)

    @property
    def entry(self) -> Entry:
        return Entry("office", self.shared, self.secret)

    @property
    def hub(self) -> ExchangeHub:
        if self._hub is None:
            settings = ExchangeHubSettings.model_validate(self.shared)
            self._hub = ExchangeHub(self.entry, settings, self.world.context())
        return self._hub

    def link(self, address: str = ALICE, privacy: Privacy = Privacy.BUSY, **settings: Any) -> Link:
        """A link of the person with that address."""
        person = address.partition("@")[0]
        return Link(
            f"office/{person}",
            "exchange",
            person,
            {**self.shared, **settings},
            self.secret,
            "Europe/Berlin",
            (address,),
            privacy,
            self.entry,
        )

    def context(self, poll_now: Callable[[], None] = lambda: None) -> Context:
        return replace(self.world.context(), hub=self.hub, poll_now=poll_now)

    def connector(
        self,
        address: str = ALICE,
        privacy: Privacy = Privacy.BUSY,
        poll_now: Callable[[], None] = lambda: None,
        link: Link | None = None,
        **settings: Any,
    ) -> ExchangeConnector:
        link = link or self.link(address, privacy, **settings)
        made = ExchangeConnector(link, ExchangeSettings.model_validate(link.settings), self.context(poll_now))
        self._made.append(made)
        return made

    async def close(self) -> None:
        self.ews.end_streams()
        for connector in self._made:
            await connector.close()
        if self._hub is not None:
            await self._hub.close()


@asynccontextmanager
async def office(
    clock: VirtualClock | None = None, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[Office]:
    """``settings``: of the entry, over Basic and one minute."""
    async with ews_server(tls) as ews, new_world(clock=clock or VirtualClock()) as world:
        shared = {"url": ews.url, "username": ews.username, "sign_in": "basic", "timeout": "10s", **settings}
        made = Office(ews, world, shared, ews.password)
        try:
            yield made
        finally:
            await made.close()
            with warnings.catch_warnings():
                # requests leaves the sockets of calls that have failed to the garbage collector.
                warnings.simplefilter("ignore", ResourceWarning)
                made._hub = None
                made._made.clear()
                gc.collect()


def events_of(fact: Fact) -> tuple[CalendarEvent, ...]:
    return fact.value.events  # type: ignore[union-attr]


async def until(holds: Callable[[], bool]) -> None:
    """Let other tasks and threads run until something holds."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)
