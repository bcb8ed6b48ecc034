"""A runner beside the Google stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Context, Entry, Link
from connectors.facts import CalendarEvent, Fact
from connectors.google.connector import GoogleConnector
from connectors.google.hub import GoogleHub
from connectors.google.settings import GoogleSettings
from tests.connectors.google.google_server import CLIENT_ID, CLIENT_SECRET, GoogleServer, event, google_server
from tests.connectors.support import World, new_world
from tests.support.clock import MONDAY_NINE, VirtualClock

ALICE, BOB = "alice@example.org", "bob@example.org"
ON_CALL = "c_oncall@group.calendar.google.com"
PUBLIC = "https://presence.example.org/in/google"


def at(hour: float, day: int = 0) -> datetime:
    """A time of the virtual Monday (UTC), or of days after it."""
    return MONDAY_NINE.replace(hour=0) + timedelta(days=day, hours=hour)


def meeting(hour: float, hours: float = 1, **given: Any) -> dict[str, Any]:
    return event(at(hour), at(hour + hours), **given)


@dataclass
class Office:
    """An organisation at Google, and what its entry in the settings says."""

    server: GoogleServer
    world: World
    shared: dict[str, Any]
    secret: str | None
    callback_url: str | None = None
    hub_secrets: dict[str, str] = field(default_factory=dict)
    polls: list[str] = field(default_factory=list)
    _hub: GoogleHub | None = None

    @property
    def entry(self) -> Entry:
        return Entry("google", self.shared, self.secret)

    @property
    def hub(self) -> GoogleHub:
        if self._hub is None:
            context = replace(self.world.context(), secrets=self.hub_secrets, callback_url=self.callback_url)
            self._hub = GoogleHub(self.entry, GoogleSettings.model_validate(self.shared), context)
        return self._hub

    def link(self, address: str = ALICE, **settings: Any) -> Link:
        """A link of the person with that address."""
        person = address.partition("@")[0]
        given = {**self.shared, **settings}
        return Link(
            f"google/{person}",
            "google",
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
        link: Link | None = None,
        **settings: Any,
    ) -> GoogleConnector:
        made_for = link or self.link(address, **settings)
        model = GoogleSettings.model_validate(dict(made_for.settings))
        context = self.context(
            secrets={} if secrets is None else secrets, poll_now=lambda: self.polls.append(address)
        )
        return GoogleConnector(made_for, model, context)


@asynccontextmanager
async def office(**given: Any) -> AsyncIterator[Office]:
    """``given``: settings of the entry."""
    callback_url = given.pop("callback_url", None)
    clock = given.pop("clock", None) or VirtualClock()
    worlds: list[World] = []
    async with google_server(lambda: worlds[0].clock.now()) as server, new_world(clock=clock) as world:
        worlds.append(world)
        endpoints = {
            "api": f"{server.url}/calendar/v3",
            "token": f"{server.url}/token",
            "authorize": f"{server.url}/authorize",
        }
        person = given.get("sign_in") == "person"
        shared = {"endpoints": endpoints, **({"client_id": CLIENT_ID} if person else {}), **given}
        server.calendar(ALICE)
        secret = CLIENT_SECRET if person else server.service_key()
        made = Office(server, world, shared, secret, callback_url)
        try:
            yield made
        finally:
            if made._hub is not None:
                await made._hub.close()


def events_of(fact: Fact) -> list[CalendarEvent]:
    return list(fact.value.events)  # type: ignore[union-attr]
