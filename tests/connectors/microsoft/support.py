"""A runner beside the Graph stand-in."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Context, Entry, Link
from connectors.facts import CalendarEvent, Fact
from connectors.http import Http
from connectors.microsoft.connector import MicrosoftConnector
from connectors.microsoft.hub import MicrosoftHub
from connectors.microsoft.settings import MicrosoftEntry, MicrosoftSettings
from tests.connectors.microsoft.graph_server import GraphServer, event, graph_server
from tests.connectors.microsoft.login_server import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.connectors.support import LOOPBACK, World, new_world
from tests.support.clock import MONDAY_NINE, VirtualClock

ALICE, BOB = "alice@example.org", "bob@example.org"
HOUR = timedelta(hours=1)
PUBLIC = "https://presence.example.org/hooks/m365"


def at(hour: float, day: int = 0) -> datetime:
    """A time of the virtual Monday (UTC), or of days after it."""
    return MONDAY_NINE.replace(hour=0) + timedelta(days=day, hours=hour)


def meeting(hour: float, hours: float = 1, **given: Any) -> dict[str, Any]:
    return event(at(hour), at(hour + hours), **given)


@dataclass
class Office:
    """An organisation at Microsoft, and what its entry in the settings says."""

    server: GraphServer
    world: World
    shared: dict[str, Any]
    secret: str | None = CLIENT_SECRET
    callback_url: str | None = None
    hub_secrets: dict[str, str] = field(default_factory=dict)
    _hub: MicrosoftHub | None = None

    @property
    def entry(self) -> Entry:
        return Entry("m365", self.shared, self.secret)

    @property
    def hub(self) -> MicrosoftHub:
        if self._hub is None:
            context = replace(self.world.context(), secrets=self.hub_secrets, callback_url=self.callback_url)
            self._hub = MicrosoftHub(self.entry, MicrosoftEntry.model_validate(self.shared), context)
        return self._hub

    def link(self, address: str = ALICE, **settings: Any) -> Link:
        """A link of the person with that address."""
        person = address.partition("@")[0]
        given = {**self.shared, **settings}
        return Link(
            f"m365/{person}",
            "microsoft",
            person,
            given,
            self.secret,
            "Europe/Berlin",
            (address,),
            entry=self.entry,
        )

    def context(self, **given: Any) -> Context:
        return replace(self.world.context(), hub=self.hub, **given)

    def connector(
        self,
        address: str = ALICE,
        *,
        secrets: dict[str, str] | None = None,
        poll_now: Any = lambda: None,
        link: Link | None = None,
        **settings: Any,
    ) -> MicrosoftConnector:
        made_for = link or self.link(address, **settings)
        model = MicrosoftSettings.model_validate(dict(made_for.settings))
        context = self.context(secrets={} if secrets is None else secrets, poll_now=poll_now)
        return MicrosoftConnector(made_for, model, context)

    async def close(self) -> None:
        if self._hub is not None:
            await self._hub.close()


@asynccontextmanager
async def office(**given: Any) -> AsyncIterator[Office]:
    """``given``: settings of the entry; ``login``: of the sign-in stand-in."""
    login = given.pop("login", {})
    callback_url = given.pop("callback_url", None)
    clock = given.pop("clock", None) or VirtualClock()
    with tempfile.TemporaryDirectory() as folder:
        world_clock: list[World] = []
        async with graph_server(Path(folder), lambda: world_clock[0].clock.now(), **login) as server:
            http = Http(LOOPBACK, ca_file=Path(folder) / "ca.pem")
            async with new_world(http=http, clock=clock) as world:
                world_clock.append(world)
                shared = {
                    "tenant": TENANT,
                    "client_id": CLIENT_ID,
                    "cloud": {"login": server.url, "graph": server.url},
                    **given,
                }
                server.mailbox(ALICE)
                made = Office(server, world, shared, callback_url=callback_url)
                try:
                    yield made
                finally:
                    await made.close()


def events_of(fact: Fact) -> list[CalendarEvent]:
    return list(fact.value.events)  # type: ignore[union-attr]
