"""A hub and its links at a stand-in, as the runner would run them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from agent.clock import Clock
from agent.supervise import Supervisor
from connectors.base import Context, Hub, Link, PushConnector
from connectors.conformance_listen import Session
from connectors.errors import ConnectorError
from connectors.facts import CallState, CallValue, ReachState, ReachValue
from connectors.http import Http
from connectors.registry import load
from connectors.workshop import Workshop
from tests.connectors.support import LOOPBACK


@asynccontextmanager
async def running_context(clock: Clock) -> AsyncIterator[tuple[Supervisor, Context]]:
    """A context whose ``spawn`` really starts what it is given."""
    async with Supervisor(clock=clock) as supervisor:
        http, workshop = Http(LOOPBACK), Workshop()
        try:
            yield supervisor, Context(http, clock, workshop, supervisor.spawn, state={})
        finally:
            await http.close()
            await workshop.close()


class Connected(Session):
    """A hub that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0

    def hear(self) -> None:
        self.heard += 1
        self.emit(())


@asynccontextmanager
async def hub_of(link: Link, context: Context) -> AsyncIterator[tuple[Any, Connected]]:
    """Connected; the session has its error, if it loses its source."""
    made_of = load(link.connector)
    hub: Hub = made_of.create_hub(link.entry, made_of.read_hub_settings(link.entry), context)
    connected = Connected()
    connected.start(context, hub.run(connected.hear))
    try:
        yield hub, connected
    finally:
        await hub.close()
        await connected.until(lambda: not connected.running)


@asynccontextmanager
async def listening(link: Link, context: Context, hub: Any) -> AsyncIterator[Session]:
    made_of = load(link.connector)
    made = made_of.create(link, made_of.read_settings(link), replace(context, hub=hub))
    session = Session()
    session.start(context, cast(PushConnector, made).listen(session.emit))
    try:
        yield session
    finally:
        await made.close()
        await session.until(lambda: not session.running)


def calls(session: Session) -> list[CallState]:
    """Of all that was told, in order."""
    return [fact.value.state for fact in session.facts if isinstance(fact.value, CallValue)]


def reaches(session: Session) -> list[ReachState]:
    return [fact.value.state for fact in session.facts if isinstance(fact.value, ReachValue)]


async def error_of(session: Session) -> ConnectorError:
    await session.until(lambda: session.error)
    assert session.error is not None
    return session.error
