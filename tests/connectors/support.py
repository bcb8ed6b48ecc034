"""What connector tests share: a runner driven by hand, and HTTP servers on free loopback ports."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors.addresses import AllowList
from connectors.base import Context
from connectors.facts import Fact, FactBook
from connectors.health import LinkHealth
from connectors.http import Http
from connectors.runner import Runner
from connectors.workshop import Workshop
from tests.support.clock import VirtualClock

LOOPBACK = AllowList.parse(["127.0.0.0/8"])


@dataclass
class World:
    """A runner over virtual time whose spawned coroutines are run by ``step``."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    http: Http = field(default_factory=lambda: Http(LOOPBACK))
    workshop: Workshop = field(default_factory=Workshop)
    book: FactBook = field(default_factory=FactBook)
    emitted: list[Fact] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    told: list[LinkHealth] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    spawned: list[Coroutine[Any, Any, None]] = field(default_factory=list)
    chance: float = 0.5

    def __post_init__(self) -> None:
        self.runner = Runner(
            clock=self.clock,
            spawn=lambda coroutine, *, name: self.spawned.append(coroutine),
            http=self.http,
            workshop=self.workshop,
            emit=self.emit,
            forget=self.forgotten.extend,
            on_health=self.told.append,
            meter=self,
            chance=lambda: self.chance,
        )

    def emit(self, facts: Iterable[Fact]) -> None:
        facts = tuple(facts)
        self.emitted.extend(facts)
        self.book.put_all(facts)

    def polled(self, connector: str, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)

    def lag(self, connector: str, seconds: float) -> None:
        self.lags.append(seconds)

    async def step(self, seconds: float = 0.0) -> None:
        """Let virtual time pass, start what is due, and finish it."""
        self.clock.advance(seconds)
        for connector in {health.connector for health in self.runner.health()}:
            self.runner.tick(connector)
        while self.spawned:
            batch, self.spawned[:] = list(self.spawned), []
            await asyncio.gather(*batch)

    def health(self, link: str) -> LinkHealth:
        return next(health for health in self.runner.health() if health.link == link)

    def context(self) -> Context:
        return Context(
            self.http,
            self.clock,
            self.workshop,
            lambda coroutine, *, name: self.spawned.append(coroutine),
            state={},
        )

    async def close(self) -> None:
        for health in self.runner.health():
            self.runner.remove_link(health.link)
        await self.step()
        await self.http.close()
        await self.workshop.close()


@asynccontextmanager
async def new_world(**given: Any) -> AsyncIterator[World]:
    world = World(**given)
    try:
        yield world
    finally:
        await world.close()


@asynccontextmanager
async def serve(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A real HTTP server on a free loopback port; gives its base URL without the final slash. ``tls``: encrypted, for
    `localhost`."""
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}" if tls is None else f"https://localhost:{port}"
    finally:
        await runner.cleanup()
