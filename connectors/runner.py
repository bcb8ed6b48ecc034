"""Drives every link: when to ask, what to do with answers and failures.

    tick (one APScheduler job per connector, each second)
      └ due links from the connector's heap → spawn → connector.poll
          ├ answer  → LinkState.heard  → emit(facts), forget(sources)
          └ failure → LinkState.failed → back-off
        either way → on_health, next due time with jitter

Links that listen, and hubs (`connectors.hubs`), are started the same way and run until their source is lost.

Decisions are in `connectors.link_state` and `connectors.schedule`, which are pure; this file holds the
objects together and creates no tasks: ``spawn`` does.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from connectors.base import (
    Clock,
    Command,
    Context,
    Entry,
    Hub,
    Link,
    Memory,
    Meter,
    Spawn,
    Workshop,
)
from connectors.errors import ConnectorError, Fault, Unreachable, as_connector_error
from connectors.facts import Fact
from connectors.health import LinkHealth
from connectors.http import Http
from connectors.hubs import Hubs, Listening
from connectors.link_state import LinkState
from connectors.linked import Group, Linked
from connectors.privacy import reduced
from connectors.receiving import Receiving
from connectors.registry import ConnectorType, load
from connectors.schedule import (
    CONFIRM_AFTER,
    MAX_BACKOFF,
    MAX_LISTENING_BACKOFF,
    backoff,
    first_delay,
    jittered,
)
from connectors.settings import LinkSettings, PollSettings
from connectors.sip import Sip

log = logging.getLogger(__name__)

TICK = 1.0
"Seconds. How late a poll may start; presence itself switches by the clock, not by polls."
MAX_IN_FLIGHT = 32
"Polls of one connector at the same time."


class Runner:
    """Owns all links. Call ``run`` under supervision; links may come and go before and meanwhile.

    ``emit``: takes new facts. ``forget``: takes sources (`Fact.source`) whose streams have ended.
    ``on_health``: told after each poll and when a link is added. ``memory_of``: gives an owner (a
    link's id, an entry's key) with these settings its `Context.state` and `Context.secrets`; in memory when not given.
    ``callback_url``: where requests to a link or hub of that id arrive. ``sip``, ``command``: what connectors get as
    such.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        spawn: Spawn,
        http: Http,
        workshop: Workshop,
        emit: Callable[[Iterable[Fact]], None],
        forget: Callable[[Iterable[str]], None] = lambda sources: None,
        on_health: Callable[[LinkHealth], None] = lambda health: None,
        meter: Meter | None = None,
        memory_of: Callable[[str, Mapping[str, Any]], Memory] = lambda owner, settings: ({}, {}),
        callback_url: Callable[[str], str | None] = lambda receiver: None,
        chance: Callable[[], float] = random.random,
        sip: Sip | None = None,
        command: Command | None = None,
    ) -> None:
        self._clock, self._spawn, self._http, self._workshop = clock, spawn, http, workshop
        self._emit, self._forget, self._on_health, self._meter = emit, forget, on_health, meter
        self._memory_of = memory_of
        self._callback_url = callback_url
        self._chance = chance
        self._sip, self._command = sip, command
        self._groups: dict[str, Group] = {}
        self._hubs: Hubs[Linked] = Hubs(self._open_hub, self._close_hub)
        self._scheduler: AsyncIOScheduler | None = None
        self.requests = Receiving(self._find, self._failed, self._tell, clock)
        "What sources send by themselves."

    # -- links --------------------------------------------------------------------------------------------

    def add_link(self, link: Link) -> LinkHealth:
        """Take over a link, replacing one of the same id. Wrong settings show in the health, never raise."""
        self.remove_link(link.id)
        return self._take_over(link, {})

    def change_link(self, link: Link) -> LinkHealth:
        """Other settings for the same account. What is known of it holds until it has been asked anew, but no more
        of it than the link's privacy level allows from now on."""
        known = {
            source: replace(fact, value=reduced(fact.value, link.privacy))
            for source, fact in self._let_go(link.id).items()
        }
        self._emit(known.values())
        return self._take_over(link, known)

    def _take_over(self, link: Link, known: dict[str, Fact]) -> LinkHealth:
        now = self._clock.now()
        state = LinkState(link, LinkSettings().stale_after, now, known=known)
        linked = Linked(state, LinkSettings(), None)
        group = self._group(link.connector)
        group.links[link.id] = linked
        try:
            made_of = load(link.connector)
            linked.settings = made_of.read_settings(link)
            state.stale_after = linked.settings.stale_after
            state.confidence = linked.settings.confidence
            hub = self._hubs.join(link, made_of) if made_of.manifest.hub is not None else None
            linked.connector = made_of.create(
                link, linked.settings, self._context(link.id, link.settings, hub)
            )
        except ConnectorError as error:
            state.failed(error, now)
            log.warning("link %s cannot be used: %s", link.id, error.words)
        except Exception as error:
            state.failed(Fault(f"connector {link.connector} cannot be started ({type(error).__name__})"), now)
            log.exception("link %s: connector %s cannot be started", link.id, link.connector)
        if linked.connector is not None:
            group.polls = group.polls or not linked.listens
            delay = first_delay(linked.interval, len(group.links), self._chance())
            group.due.put(link.id, self._clock.monotonic() + delay)
        return self._tell(linked)

    def _context(self, owner: str, settings: Mapping[str, Any], hub: Hub | None) -> Context:
        state, secrets = self._memory_of(owner, settings)
        return Context(
            self._http,
            self._clock,
            self._workshop,
            self._spawn,
            state,
            secrets,
            poll_now=lambda: self._poke(owner),
            callback_url=self._callback_url(owner),
            hub=hub,
            sip=self._sip,
            command=self._command,
        )

    def _poke(self, link_id: str) -> None:
        with contextlib.suppress(KeyError):  # the link may have gone meanwhile
            self.poll_now(link_id)

    def _open_hub(self, entry: Entry, made_of: ConnectorType) -> tuple[Hub, Linked]:
        """A hub is looked after like a link that is nobody's: its id is the entry's key. Raises ConnectorError."""
        settings = made_of.read_hub_settings(entry)
        hub = made_of.create_hub(entry, settings, self._context(entry.key, entry.settings, None))
        link = Link(entry.key, made_of.name, "", entry.settings, entry=entry)
        linked = Linked(LinkState(link, settings.stale_after, self._clock.now()), settings, Listening(hub))
        group = self._group(made_of.name)
        group.links[entry.key] = linked
        if hasattr(hub, "run"):
            group.due.put(entry.key, self._clock.monotonic())
        self._tell(linked)
        return hub, linked

    def hub_of(self, link: Link) -> Hub | None:
        """The hub that this link shares already."""
        return self._hubs.find(link)

    def _close_hub(self, linked: Linked) -> None:
        group = self._groups[linked.state.link.connector]
        if group.links.get(linked.state.link.id) is linked:  # else another has taken its place
            del group.links[linked.state.link.id]
            group.due.discard(linked.state.link.id)
        self._close(linked)

    def remove_link(self, link_id: str) -> tuple[str, ...]:
        """Let a link go. Its sources are given to ``forget`` and returned."""
        sources = tuple(self._let_go(link_id))
        self._forget(sources)
        return sources

    def _let_go(self, link_id: str) -> dict[str, Fact]:
        """What was known of it, by source."""
        for group in self._groups.values():
            linked = group.links.pop(link_id, None)
            if linked is None:
                continue
            group.due.discard(link_id)
            self._close(linked)
            self._hubs.leave(linked.state.link)
            return linked.state.known
        return {}

    def _close(self, linked: Linked) -> None:
        """A poll under way is closed when it ends; a listener only ends by being closed."""
        linked.removed = True
        if linked.connector is not None and (linked.listens or not linked.in_flight):
            self._spawn(linked.connector.close(), name=f"close link {linked.state.link.id}")

    def poll_now(self, link_id: str) -> None:
        """Make a link due at once. Raises KeyError when there is no such link."""
        group, linked = self._find(link_id)
        if linked.in_flight:
            linked.again = True
        elif linked.connector is not None:
            group.due.put(link_id, self._clock.monotonic())
            self.tick(linked.state.link.connector)

    def linked_to(self, person: str) -> list[Linked]:
        """Everything linked to somebody."""
        every = (linked for group in self._groups.values() for linked in group.links.values())
        return [linked for linked in every if linked.state.link.person == person]

    def health(self) -> list[LinkHealth]:
        """The health of every link and hub, by id."""
        return sorted(
            (self._health(linked) for group in self._groups.values() for linked in group.links.values()),
            key=lambda health: health.link,
        )

    # -- running ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Poll until cancelled, then close every connector."""
        # APScheduler reports every run of every job at INFO.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = AsyncIOScheduler(
            executors={"default": DebugExecutor()},  # runs the job in the loop: a tick only spawns
            job_defaults={"coalesce": True, "misfire_grace_time": 60, "max_instances": 1},
            timezone="UTC",
        )
        for name in self._groups:
            self._schedule(name)
        self._scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
            for group in self._groups.values():
                hubs_last = sorted(group.links.values(), key=lambda one: isinstance(one.connector, Listening))
                for linked in hubs_last:
                    if linked.connector is not None:
                        await linked.connector.close()

    def tick(self, connector: str) -> None:
        """Start what is due of one connector."""
        group = self._groups[connector]
        now = self._clock.monotonic()
        places = MAX_IN_FLIGHT - group.in_flight if group.polls else len(group.links)
        for link_id, due in group.due.pop_due(now, places):
            linked = group.links[link_id]
            linked.in_flight = True
            if self._meter is not None:
                self._meter.lag(connector, now - due)
            if linked.listens:
                self._spawn(self._listen(linked), name=f"listen {link_id}")
            else:
                group.in_flight += 1
                self._spawn(self._poll(group, linked), name=f"poll {link_id}")

    def _schedule(self, connector: str) -> None:
        assert self._scheduler is not None
        self._scheduler.add_job(self.tick, "interval", args=[connector], seconds=TICK, id=connector)

    def _group(self, connector: str) -> Group:
        if connector not in self._groups:
            self._groups[connector] = Group()
            if self._scheduler is not None:
                self._schedule(connector)
        return self._groups[connector]

    async def _poll(self, group: Group, linked: Linked) -> None:
        started = self._clock.monotonic()
        wait = linked.interval
        outcome = ""
        try:
            wait, outcome = await self._ask(linked)
        finally:
            linked.in_flight = False
            group.in_flight -= 1
            if self._meter is not None and outcome:
                connector = linked.state.link.connector
                self._meter.polled(connector, outcome, self._clock.monotonic() - started)
            await self._settle(linked, wait)

    async def _ask(self, linked: Linked) -> tuple[float, str]:
        """One poll. Returns the wait until the next and what became of it (empty: nobody waits for it)."""
        state, settings, connector = linked.state, linked.settings, linked.connector
        assert isinstance(settings, PollSettings)
        try:
            async with asyncio.timeout(settings.timeout.total_seconds()):
                poll = await connector.poll(fresh=linked.fresh)  # type: ignore[union-attr]
        except Exception as caught:
            return self._failed(linked, caught)
        if linked.removed:
            return linked.interval, ""
        heard = state.heard(poll, self._clock.now())
        if heard.recovered:
            log.info("link %s: working again", state.link.id)
        if heard.gone:
            self._forget(heard.gone)
        if heard.facts:
            self._emit(heard.facts)
        linked.fresh = heard.confirm
        if heard.confirm:
            return min(CONFIRM_AFTER, linked.interval), "suspect"
        return jittered(
            linked.wait(self._clock.now()), self._chance()
        ), "changed" if heard.changed else "unchanged"

    async def _listen(self, linked: Linked) -> None:
        def emit(facts: Iterable[Fact]) -> None:
            stamped = {fact.source: linked.state.stamp_pushed(fact) for fact in facts}
            if linked.removed:
                return
            recovered = linked.state.failures > 0
            linked.state.pushed(stamped, self._clock.now())
            if recovered:
                log.info("link %s: working again", linked.state.link.id)
            if stamped:
                self._emit(tuple(stamped.values()))

        wait = linked.interval
        try:
            await linked.connector.listen(emit)  # type: ignore[union-attr]
            if linked.removed:
                return
            raise Unreachable("the source ended the connection")
        except Exception as caught:
            wait, _ = self._failed(linked, caught)
        finally:
            linked.in_flight = False
            await self._settle(linked, wait)

    def _failed(self, linked: Linked, caught: Exception) -> tuple[float, str]:
        """Turn a failure into health, one log line if it is news, and the wait until the next try."""
        link = linked.state.link
        error = as_connector_error(caught)
        if linked.state.failed(error, self._clock.now()):
            log.warning("link %s: %s", link.id, error.words)
            if isinstance(error, Fault):
                log.debug("link %s: fault of the connector", link.id, exc_info=caught)
        longest = MAX_LISTENING_BACKOFF if linked.listens else MAX_BACKOFF
        wait = backoff(error, linked.state.failures, linked.interval, longest)
        return jittered(wait, self._chance()), linked.state.state

    async def _settle(self, linked: Linked, wait: float) -> None:
        """After a poll: set the next due time, or close what was removed meanwhile."""
        link = linked.state.link
        if linked.removed:
            if linked.connector is not None and not linked.listens:
                await linked.connector.close()
            return
        if linked.again:
            linked.again = False
            wait = 0.0
        self._groups[link.connector].due.put(link.id, self._clock.monotonic() + wait)
        self._tell(linked)
        # A place is free: what had to wait for one must not wait for the next tick too.
        self.tick(link.connector)

    # -- health -------------------------------------------------------------------------------------------

    def _find(self, link_id: str) -> tuple[Group, Linked]:
        for group in self._groups.values():
            if link_id in group.links:
                return group, group.links[link_id]
        raise KeyError(link_id)

    def _health(self, linked: Linked) -> LinkHealth:
        link = linked.state.link
        due = self._groups[link.connector].due.due(link.id)
        now = self._clock.now()
        next_poll = None if due is None else now + timedelta(seconds=due - self._clock.monotonic())
        return linked.state.health(now, next_poll)

    def _tell(self, linked: Linked) -> LinkHealth:
        health = self._health(linked)
        self._on_health(health)
        return health
