"""Tries a link as the runner would, and says what it can see: for the test before linking, and for `links check`."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, cast

from agent.clock import Clock
from connectors.base import Context, Hub, Link, Memory, PollConnector, Spawn, Surveyed, Surveys, Workshop
from connectors.errors import ConnectorError, as_connector_error
from connectors.facts import CalendarEvent, CalendarValue, Fact
from connectors.health import HealthState
from connectors.http import Http
from connectors.privacy import Privacy
from connectors.registry import load

PATIENCE = 90.0
"Seconds for one link."
LISTEN_FOR = 10.0
"Seconds in which a source that tells by itself should have said something."
NEXT_EVENTS = 3

Shown = Callable[[str, Sequence[Fact], datetime], str]
"(person, facts, when) -> what the rules would show, in words."

_WITHHELD = {
    Privacy.BUSY: "titles, places and categories of events",
    Privacy.CATEGORY: "titles and places of events",
    Privacy.DETAILS: "titles, places and categories of private events",
}


@dataclass(frozen=True, slots=True)
class NextEvent:
    """A coming event, as far as it may be known here."""

    start: datetime
    end: datetime
    shows: str
    calendar: str
    title: str | None
    presence: str
    "What the rules make of it, were this all that is known."


@dataclass(frozen=True, slots=True)
class Report:
    """What became of trying a link. Holds no secret."""

    link: str
    person: str
    connector: str
    state: HealthState
    words: str
    calendars: tuple[Surveyed, ...] = ()
    coming: tuple[NextEvent, ...] = ()
    heard: tuple[str, ...] = ()
    "Other facts than calendars, by kind."
    withheld: tuple[str, ...] = ()
    "What is not taken over, though the source may tell it."
    problems: tuple[str, ...] = ()
    "What could not be read, each part by name."

    @property
    def ok(self) -> bool:
        return self.state in (HealthState.OK, HealthState.PARTIAL)

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        found["ok"] = self.ok
        for event in found["coming"]:
            event["start"], event["end"] = event["start"].isoformat(), event["end"].isoformat()
        return found


@dataclass(slots=True)
class Probe:
    """What trying links takes. ``hub_of``: the hub that a link shares with others already, if any."""

    http: Http
    workshop: Workshop
    clock: Clock
    spawn: Spawn
    shown: Shown
    hub_of: Callable[[Link], Hub | None] = field(default=lambda link: None)

    async def __call__(self, link: Link, memory: Memory) -> Report:
        """Never raises for what the source does; every failure is a report."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._try(link, memory)
        except Exception as caught:
            error = as_connector_error(caught)
            return Report(link.id, link.person, link.connector, error.state, error.words)

    async def _try(self, link: Link, memory: Memory) -> Report:
        made_of = load(link.connector)
        settings = made_of.read_settings(link)
        hub, own_hub = self.hub_of(link), False
        if hub is None and made_of.manifest.hub is not None:
            read = made_of.read_hub_settings(link.entry)
            hub, own_hub = made_of.create_hub(link.entry, read, self._context(({}, {}), None)), True
            if hasattr(hub, "run"):
                self.spawn(_quietly(hub), name=f"check {link.entry.key}")
        connector = made_of.create(link, settings, self._context(memory, hub))
        try:
            if hasattr(connector, "poll"):
                return await self._poll(link, cast(PollConnector, connector))
            return await self._listen(link, connector)
        finally:
            await connector.close()
            if own_hub and hub is not None:
                await hub.close()

    def _context(self, memory: Memory, hub: Hub | None) -> Context:
        return Context(self.http, self.clock, self.workshop, self.spawn, *memory, hub=hub)

    async def _poll(self, link: Link, connector: PollConnector) -> Report:
        poll = await connector.poll(fresh=True)
        problems = poll.problems or ()
        facts = poll.facts or ()
        if hasattr(connector, "survey"):
            calendars = tuple(await cast(Surveys, connector).survey())
        else:
            calendars = tuple(
                Surveyed(fact.value.calendar or link.id, fact.value.calendar, True)
                for fact in facts
                if isinstance(fact.value, CalendarValue)
            )
        words = "It works." if not problems else f"It works, but {len(problems)} part(s) could not be read."
        state = HealthState.PARTIAL if problems else HealthState.OK
        return self._report(link, state, words, facts, calendars, problems)

    async def _listen(self, link: Link, connector: Any) -> Report:
        heard: list[Fact] = []
        with contextlib.suppress(TimeoutError, _Heard):
            async with asyncio.timeout(LISTEN_FOR):
                await connector.listen(lambda facts: _first(heard, facts))
        words = "It works." if heard else "It is connected and has said nothing yet."
        return self._report(link, HealthState.OK, words, heard, (), ())

    def _report(
        self,
        link: Link,
        state: HealthState,
        words: str,
        facts: Sequence[Fact],
        calendars: tuple[Surveyed, ...],
        problems: tuple[str, ...],
    ) -> Report:
        values = [fact.value for fact in facts if isinstance(fact.value, CalendarValue)]
        now = self.clock.now()
        ahead = sorted(
            ((event, value.calendar) for value in values for event in value.events if event.end > now),
            key=lambda pair: (pair[0].start, pair[0].end),
        )
        coming = tuple(
            self._coming(link, event, calendar, facts, now) for event, calendar in ahead[:NEXT_EVENTS]
        )
        return Report(
            link.id,
            link.person,
            link.connector,
            state,
            words,
            calendars,
            coming,
            tuple(sorted({fact.kind.value for fact in facts if not isinstance(fact.value, CalendarValue)})),
            (_WITHHELD[link.privacy],) if values else (),
            problems,
        )

    def _coming(
        self, link: Link, event: CalendarEvent, calendar: str, facts: Sequence[Fact], now: datetime
    ) -> NextEvent:
        presence = self.shown(link.person, facts, max(event.start, now))
        return NextEvent(event.start, event.end, event.shows.value, calendar, event.title, presence)


class _Heard(Exception):
    """A source that tells by itself has told something."""


def _first(heard: list[Fact], facts: Iterable[Fact]) -> None:
    heard.extend(facts)
    if heard:
        raise _Heard


async def _quietly(hub: Hub) -> None:
    """The link's own poll shows what is wrong."""
    with contextlib.suppress(ConnectorError):
        await hub.run(lambda: None)
