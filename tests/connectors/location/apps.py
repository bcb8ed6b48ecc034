"""One entry of a location app with links of alice and bob, and what its phones send."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Context, Entry, Link
from connectors.conformance_receive import NOW, FixedClock, ReceiveConformance
from connectors.facts import Fact, FactBook, PlaceValue
from connectors.ingress import Received, Reply
from connectors.registry import load
from tests.connectors.receiving import receiving_context

HERE = (50.0, 8.0)
THERE = (50.1, 8.0)
ZONES = {"office": {"center": list(HERE), "radius": 100}, "home": {"aliases": ["Haus"]}}


def stamp(minutes: float = 0) -> int:
    return int((NOW + timedelta(minutes=minutes)).timestamp())


def iso(minutes: float = 0) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def post(
    body: object, at: datetime = NOW, *, person: str | None = None, user: str | None = None, **headers: str
) -> Received:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Received("POST", "", (), {"content-type": "application/json", **named}, data, at, person, user)


def get(query: str, at: datetime = NOW, *, person: str | None = None) -> Received:
    from urllib.parse import parse_qsl

    return Received("GET", "", tuple(parse_qsl(query)), {}, b"", at, person)


class App:
    def __init__(self, name: str, person_secret: str | None = None, **settings: Any) -> None:
        self.clock, self.book = FixedClock(), FactBook()
        self.facts: list[Fact] = []
        self.state: dict[str, dict[str, str]] = {"alice": {}, "bob": {}}
        self.name, self.made_of = name, load(name)
        given = {"zones": ZONES, **settings}
        entry = Entry("app", given, "s3cret-word")
        context = receiving_context(self.clock)
        self.hub: Any = self.made_of.create_hub(entry, self.made_of.read_hub_settings(entry), context)
        self.links: dict[str, Any] = {}
        for person in ("alice", "bob"):
            secret = person_secret if person == "alice" and person_secret else entry.secret
            link = Link(
                f"app/{person}", name, person, given, secret, "UTC", (f"{person}@example.org",), entry=entry
            )
            with_hub = replace(context, hub=self.hub, state=self.state[person])
            made: Any = self.made_of.create(link, self.made_of.read_settings(link), with_hub)
            made._emit = self.emit
            self.links[person] = made

    def emit(self, facts: Iterable[Fact]) -> None:
        facts = tuple(facts)
        self.facts += facts
        self.book.put_all(facts)

    async def send(self, *requests: Received) -> Reply:
        reply = Reply(599)
        for request in requests:
            self.clock.at = max(self.clock.at, request.received_at)
            reply = await self.hub.receive(request)
        return reply

    def place(self, person: str = "alice") -> PlaceValue | None:
        facts = self.book.of(person)
        if not facts:
            return None
        value = max(facts, key=lambda fact: fact.observed_at).value
        assert isinstance(value, PlaceValue)
        return value

    def zone(self, person: str = "alice") -> str | None:
        place = self.place(person)
        assert place is not None, "nothing is known"
        return place.zone


class LocationConformance(ReceiveConformance):
    """Where somebody is at an even step is the office, at an odd one it is not."""

    def link(self, person: str) -> Link:
        settings = {"zones": ZONES, "stale_after": "4h"}
        entry = Entry("app", settings, "s3cret-word")
        return Link(f"app/{person}", self.name, person, settings, "s3cret-word", entry=entry)

    def context(self, clock: FixedClock) -> Context:
        return receiving_context(clock)
