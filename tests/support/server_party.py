"""The whole presence server as a party of scripts over the simulated network; its time is the network's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from agent.net.driver import Driver
from agent.server.config import ServerConfig
from agent.server.server import PresenceServer
from agent.sip.flows import Flow, Transport
from agent.store.store import Store
from tests.support.script import SERVER_ADDRESS, Runner, Script
from tests.support.virtual_loop import LoopClock, VirtualLoop
from tests.support.world import Directory

SETTLED = 20
"Turns of the loop after which everything that was to happen at once has happened."


class ServerParty:
    """Authentication is off, the state in memory. Satisfies `network.Party`; `close` it."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Flow, bytes]] = []
        self._loop = VirtualLoop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows: dict[tuple[str, int], Flow] = {}
        self._loop.run_until_complete(self._start())

    async def _start(self) -> None:
        clock = LoopClock(self._loop)
        self._store = await Store.open("memory:", clock)
        config = ServerConfig(domains=frozenset({"example.org"}))
        self._server = PresenceServer(self._store, clock, config, Directory(), self._spawn)
        self._port = _Port(self._server.driver, self._sent)
        self._server.transports.add(self._port)
        await self._server.start([])

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sent(self, remote: tuple[str, int], data: bytes) -> None:
        flow = self._flows.get(remote) or Flow(Transport.UDP, SERVER_ADDRESS, remote)
        self.outbox.append((flow, data))

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.handle_timeout(now)
        self._flows[flow.remote] = flow
        self._loop.call_soon(self._server.driver.datagrams, [(self._port.flow_to(flow.remote), data)])
        self._settle()

    def next_deadline(self) -> float | None:
        timers: list[asyncio.TimerHandle] = self._loop._scheduled  # type: ignore[attr-defined]
        return min((each.when() for each in timers if not each.cancelled()), default=None)

    def handle_timeout(self, now: float) -> None:
        if now > self._loop.time():
            self._loop.run_until_complete(asyncio.sleep(now - self._loop.time()))
        self._settle()

    def _settle(self) -> None:
        for _ in range(SETTLED):
            self._loop.run_until_complete(asyncio.sleep(0))

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            await self._store.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._loop.run_until_complete(end())
        self._loop.close()


class _Port:
    """Satisfies `transports.DatagramPort` and `driver.Sender`."""

    waiting = 0

    def __init__(self, driver: Driver, sent: Callable[[tuple[str, int], bytes], None]) -> None:
        self.address = self.advertised = SERVER_ADDRESS
        self._sent = sent
        self._number = driver.new_number()
        driver.add_listener(self._number, self)

    def flow_to(self, remote: tuple[str, int]) -> Flow:
        return Flow(Transport.UDP, self.address, remote, 0, self._number)

    def send(self, flow: Flow, data: bytes) -> None:
        self._sent(flow.remote, data)

    def close(self) -> None:
        """Nothing is open."""


def replay(script: Script) -> None:
    """Run a script against a fresh server. Raises ScriptError at the first step that does not hold."""
    party = ServerParty()
    try:
        Runner(script, party).run()
    finally:
        party.close()
