"""The built-in presence server on free loopback ports, with its state in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.clock import SystemClock
from agent.net.resolver import Resolver
from agent.net.transcript import Transcript
from agent.server.config import ServerConfig
from agent.server.server import PresenceServer
from agent.server.transports import Listen
from agent.sip.flows import Transport, format_address
from agent.store.store import Store
from agent.supervise import Supervisor


@dataclass(frozen=True, slots=True)
class RunningServer:
    server: PresenceServer
    store: Store
    supervisor: Supervisor

    def address(self, transport: Transport) -> str:
        """``127.0.0.1:40123``"""
        return format_address(dict(self.server.transports.addresses())[transport])


@asynccontextmanager
async def running_server(
    domain: str = "example.org", transcript: Transcript | None = None
) -> AsyncIterator[RunningServer]:
    """Over UDP and TCP, until the end of the block."""
    clock = SystemClock()
    async with Supervisor() as supervisor:
        store = await Store.open("memory:", clock)
        config = ServerConfig(domains=frozenset({domain}))
        server = PresenceServer(store, clock, config, Resolver(), supervisor.spawn, transcript=transcript)
        try:
            await server.start([Listen(kind, "127.0.0.1", 0) for kind in (Transport.UDP, Transport.TCP)])
            yield RunningServer(server, store, supervisor)
        finally:
            server.close()
            await store.close()
