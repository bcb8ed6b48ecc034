"""An ingress on a free loopback port with stand-in sources behind it, and a client for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from agent.clock import SystemClock
from agent.store.store import Store
from agent.supervise import Supervisor
from agent.web.ingress.app import Ingress, Limits
from agent.web.ingress.destinations import Destinations
from agent.web.ingress.tokens import IngressTokens
from agent.web.serving import serve, tcp_socket
from connectors.ingress import Received, Reply
from connectors.reception import Reception

PATIENCE = aiohttp.ClientTimeout(total=20)


@dataclass
class Sources:
    """Stands in for the runner: ids of receivers with what they take, and everything that reached them."""

    receptions: dict[str, tuple[Reception, str | None]]
    entries: set[str]
    got: list[tuple[str, Received]] = field(default_factory=list)
    answer: Callable[[Received], Awaitable[Reply]] | None = None

    def reception(self, receiver: str) -> tuple[Reception, str | None] | None:
        return self.receptions.get(receiver)

    async def receive(self, receiver: str, request: Received) -> Reply:
        self.got.append((receiver, request))
        return Reply() if self.answer is None else await self.answer(request)


@dataclass
class Counted:
    """The figures."""

    answered: list[tuple[str, int]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def ingress_answered(self, source: str, status: int) -> None:
        self.answered.append((source, status))

    def ingress_dropped(self, source: str) -> None:
        self.dropped.append(source)


@dataclass
class Door:
    sources: Sources
    tokens: IngressTokens
    figures: Counted
    ingress: Ingress
    url: str
    client: aiohttp.ClientSession

    async def token(self, entry: str, person: str | None = None) -> str:
        return (await self.tokens.create(entry, person, ""))[1]

    async def ask(
        self, path: str, method: str = "POST", **given: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """(status, headers, body)"""
        if method in ("POST", "PUT"):
            given.setdefault("data", b"{}")
        async with self.client.request(method, self.url + path, **given) as response:
            return response.status, response.headers, await response.read()

    async def status(self, path: str, method: str = "POST", **given: Any) -> int:
        return (await self.ask(path, method, **given))[0]


@asynccontextmanager
async def door(
    receptions: Mapping[str, tuple[Reception, str | None]],
    *,
    limits: Limits | None = None,
    proxies: tuple[str, ...] = (),
    clock: Any = None,
) -> AsyncIterator[Door]:
    clock = clock or SystemClock()
    sources = Sources(dict(receptions), {receiver.partition("/")[0] for receiver in receptions})
    destinations = Destinations(sources, lambda: sources.entries)
    store = await Store.open("memory:", clock)
    tokens = IngressTokens(store, clock, destinations.entries, lambda: {"alice", "bob"})
    figures = Counted()
    ingress = Ingress(destinations, tokens, clock, limits or Limits(), figures)
    sock = tcp_socket("127.0.0.1", 0)
    port = sock.getsockname()[1]
    async with Supervisor() as supervisor, aiohttp.ClientSession(timeout=PATIENCE) as client:
        supervisor.spawn(serve(ingress, sock, proxies=proxies), "ingress")
        yield Door(sources, tokens, figures, ingress, f"http://127.0.0.1:{port}", client)
    await store.close()
