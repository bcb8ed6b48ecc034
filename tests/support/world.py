"""A presence server on the simulated network, with whoever a test wants around it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from agent.net.transcript import Transcript
from agent.server.config import ServerConfig
from agent.server.server import Passwords, PresenceServer
from agent.sip.flows import Transport
from agent.sip.routing import Destination, Target
from agent.store.database import Done, NoDatabase
from agent.store.errors import StoreUnavailable
from agent.store.group import Batch
from agent.store.rows import Kind
from agent.store.store import Store
from tests.support.phone import Phone
from tests.support.virtual_loop import LoopClock
from tests.support.wire import SERVER, Wire, WirePort


class Directory:
    """A resolver that knows what it was told: host -> numeric addresses, separated by blanks, the best first."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self.names = dict(names or {})

    async def resolve(self, target: Target) -> Sequence[Destination]:
        hosts = self.names.get(target.host, target.host).split()
        if not all(host.replace(".", "").isdigit() for host in hosts):
            raise OSError(f"{target.host} means nothing")
        transport = target.transport or (Transport.TLS if target.secure else Transport.UDP)
        name = target.host if target.secure else ""
        return [Destination(transport, host, target.port or 5060, name) for host in hosts]


class SimulatedDatabase(NoDatabase):
    """Keeps nothing. ``delay``: virtual seconds that a group takes; ``failing``: none can be made durable."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.failing = False
        self.groups = 0
        "How often it was asked to write."
        self.rows: dict[tuple[Kind, str], Any] = {}
        "What has been written and not removed since."

    def write(self, batch: Batch, done: Done) -> None:
        self.groups += 1
        error = StoreUnavailable("the disk is full") if self.failing else None
        if error is None:
            for kind, rows in batch.puts.items():
                for row in rows:
                    self.rows[kind, str(getattr(row, "id", None) or getattr(row, "person", ""))] = row
            for kind, keys in batch.removals.items():
                for key in keys:
                    self.rows.pop((kind, key), None)
        asyncio.get_running_loop().call_later(self.delay, done, error)


class World:
    """``config`` and ``passwords`` hold for every server that `start` makes."""

    def __init__(self, wire: Wire, store: Store, clock: LoopClock) -> None:
        self.wire = wire
        self.store = store
        self.clock = clock
        self.names = Directory()
        self.config = ServerConfig(domains=frozenset({"example.org"}))
        self.passwords: Passwords | None = None
        self.tls_client: ssl.SSLContext | None = None
        self.lateness: list[float] = []
        self.answers: list[tuple[str, int]] = []
        self.server: PresenceServer
        self._tasks: set[asyncio.Task[None]] = set()
        self._phones = 0

    # -- what the server needs -----------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def sip_answered(self, method: str, status: int) -> None:
        self.answers.append((method, status))

    def notify_sent(self, lateness: float) -> None:
        self.lateness.append(lateness)

    # -- what a test does ----------------------------------------------------------------------------------------

    async def start(self, *, icmp: bool = False, transcript: Transcript | None = None) -> PresenceServer:
        """A server on the wire at `SERVER`, over this world's store."""
        self.server = PresenceServer(
            self.store,
            self.clock,
            self.config,
            self.names,
            self.spawn,
            passwords=self.passwords,
            tls_client=self.tls_client,
            meter=self,
            transcript=transcript,
        )
        self.server.transports.add(WirePort(self.server.driver, self.wire, SERVER, icmp=icmp))
        await self.server.start([])
        return self.server

    def phone(self, user: str = "bob") -> Phone:
        self._phones += 1
        return Phone(self.wire, user, f"192.0.2.{49 + self._phones}")

    async def at_rest(self) -> tuple[int, int, int]:
        """After a minute without input: (client transactions, server transactions, tasks) that are still there."""
        await asyncio.sleep(70)
        return (*self.server.driver.endpoint.open_transactions, len(self._tasks))

    async def close(self) -> None:
        self.server.close()
        await self.store.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def world(
    *,
    wire: Wire | None = None,
    config: ServerConfig | None = None,
    passwords: Passwords | None = None,
    tls_client: ssl.SSLContext | None = None,
    icmp: bool = False,
    database: SimulatedDatabase | None = None,
    url: str = "memory:",
) -> AsyncIterator[World]:
    """A running server, its state in memory unless there is a ``url``. Use inside `virtual` tests."""
    clock = LoopClock(asyncio.get_running_loop())
    store = Store(database, clock) if database is not None else await Store.open(url, clock)
    made = World(wire or Wire(), store, clock)
    if config is not None:
        made.config = config
    made.passwords = passwords
    made.tls_client = tls_client
    await made.start(icmp=icmp)
    try:
        yield made
    finally:
        await made.close()
