"""Fixed loads inside one process, for counting instructions: the whole server but its socket.

    python -m tests.bench.workloads publish 2000

The server is the real one, with SQLite. In the place of the socket stands a sender that answers every NOTIFY. The load
is the same each time, so what it costs can be compared over years: `tests.bench.recorded` does that.
"""

import argparse
import asyncio
import contextlib
import cProfile
import os
import pstats
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count, islice
from pathlib import Path

from agent.cli.serve import use_uvloop
from agent.clock import SystemClock
from agent.garbage import settle
from agent.server.config import ServerConfig
from agent.server.server import PresenceServer
from agent.sip.flows import Flow, Transport
from agent.store.store import Store

LOCAL, REMOTE = ("127.0.0.1", 5060), ("127.0.0.1", 40_000)
WINDOW = 50
"Requests unanswered at a time."
WATCHERS = 10


class Load:
    """Stands for the UDP socket; plays everybody who publishes and watches."""

    def __init__(self, server: PresenceServer) -> None:
        self.driver = server.driver
        number = self.driver.new_number()
        self.driver.add_listener(number, self)
        self.flow = Flow(Transport.UDP, LOCAL, REMOTE, 0, number)
        server.transports.add(self)
        self.address, self.advertised = LOCAL, None
        self.waiting = 0
        self._answers: list[tuple[Flow, bytes]] = []
        self._requests: Iterator[bytes] = iter(())
        self._under_way = 0
        self._missing = 0
        self._notifies = 0
        self._done = asyncio.Event()
        self.tags: dict[bytes, bytes] = {}
        "Entity-tag by Call-ID."

    # -- what the server sees ------------------------------------------------------------------------------------

    def flow_to(self, remote: tuple[str, int]) -> Flow:
        return self.flow

    def send(self, flow: Flow, data: bytes) -> None:
        if data.startswith(b"NOTIFY"):
            self._answer(data)
            self._notifies -= 1
        else:
            assert data.startswith(b"SIP/2.0 200"), data
            self._under_way -= 1
            self._missing -= 1
            if (tag := data.find(b"SIP-ETag: ")) > 0:
                call = data.find(b"Call-ID: ")
                call_id = data[call + 9 : data.find(b"\r", call)]
                self.tags[call_id] = data[tag + 10 : data.find(b"\r", tag)]
        if not self._answers or len(self._answers) == 1:
            asyncio.get_running_loop().call_soon(self._feed)

    def close(self) -> None:
        pass

    def _answer(self, notify: bytes) -> None:
        head = notify[notify.find(b"\r\nVia") : notify.find(b"\r\nContact")]
        self._answers.append((self.flow, b"SIP/2.0 200 OK" + head + b"\r\nContent-Length: 0\r\n\r\n"))

    def _feed(self) -> None:
        batch, self._answers = self._answers, []
        fresh = [(self.flow, data) for data in islice(self._requests, WINDOW - self._under_way)]
        self._under_way += len(fresh)
        if batch or fresh:
            self.driver.datagrams(batch + fresh)
        if not self._missing and self._notifies <= 0:
            self._done.set()

    async def run(self, requests: list[bytes], notifies: int) -> None:
        """Until every request is answered and ``notifies`` NOTIFYs have come."""
        self._done.clear()
        self._requests, self._missing, self._notifies = iter(requests), len(requests), notifies
        self._feed()
        await self._done.wait()


def subscribe(i: int, j: int) -> bytes:
    return (
        f"SUBSCRIBE sip:u{i}@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bKs{i}.{j};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:w{j}@example.org>;tag=f{i}-{j}\r\nTo: <sip:u{i}@example.org>\r\n"
        f"Call-ID: s-{i}-{j}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:w{j}@127.0.0.1:40000>\r\nEvent: presence\r\n"
        "Accept: application/pidf+xml\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def publish(i: int, generation: int, tag: bytes | None) -> bytes:
    activity = "meeting" if generation % 2 else "on-the-phone"
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf"'
        ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"'
        f' entity="sip:u{i}@example.org">\r\n <tuple id="t{i}"><status><basic>open</basic></status>'
        f'<contact priority="0.8">sip:u{i}@example.org</contact></tuple>\r\n <dm:person id="p{i}"><rpid:activities>'
        f"<rpid:{activity}/></rpid:activities><dm:note>g{generation}.</dm:note></dm:person>\r\n</presence>\r\n"
    )
    match = f"SIP-If-Match: {tag.decode()}\r\n" if tag is not None else ""
    return (
        f"PUBLISH sip:u{i}@example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bKp{i}.{generation};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:u{i}@example.org>;tag=p{i}\r\nTo: <sip:u{i}@example.org>\r\n"
        f"Call-ID: p-{i}\r\nCSeq: {generation + 1} PUBLISH\r\nEvent: presence\r\nExpires: 3600\r\n{match}"
        f"Content-Type: application/pidf+xml\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Loads:
    """Each prepares what it needs and returns what is to be measured: ``number`` operations."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._generations = count()
        self.before = 0.0
        "Processor seconds when what is measured began: after the requests had been made."

    async def _publish(self, presentities: int, notifies: int = 0) -> None:
        generation = next(self._generations)
        tags = self._load.tags
        requests = [publish(i, generation, tags.get(b"p-%d" % i)) for i in range(presentities)]
        self.before = time.process_time()
        await self._load.run(requests, notifies)

    async def publish(self, number: int) -> Callable[[], Awaitable[None]]:
        """Changed publications of people whom nobody watches."""
        await self._publish(number)
        return lambda: self._publish(number)

    async def subscribe(self, number: int) -> Callable[[], Awaitable[None]]:
        """Subscriptions, each with its first NOTIFY."""

        async def run() -> None:
            first = next(self._generations) * number
            requests = [subscribe(k // WATCHERS, k % WATCHERS) for k in range(first, first + number)]
            self.before = time.process_time()
            await self._load.run(requests, number)

        return run

    async def notify(self, number: int) -> Callable[[], Awaitable[None]]:
        """NOTIFYs of changes; ten watchers each."""
        await (await self.subscribe(number))()
        await self._publish(number // WATCHERS, number)
        return lambda: self._publish(number // WATCHERS, number)


@contextlib.asynccontextmanager
async def running_load() -> AsyncIterator[Load]:
    """A server, and the load in the place of its socket."""
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        store = await Store.open(f"sqlite:///{Path(folder)}/state.db", clock)
        server = PresenceServer(
            store,
            clock,
            ServerConfig(frozenset({"example.org"}), max_subscriptions_per_watcher=1_000_000),
            None,
            lambda coroutine, name: None,
        )
        try:
            settle()
            yield Load(server)
        finally:
            server.close()
            await store.close()


@contextlib.contextmanager
def counting() -> Iterator[None]:
    """Callgrind, started with ``--instr-atstart=no``, counts the instructions within."""
    control = ["callgrind_control", "--instr=on", str(os.getpid())]
    subprocess.run(control, check=True, capture_output=True)
    yield
    control[1] = "--instr=off"
    subprocess.run(control, check=True, capture_output=True)


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("load", choices=("publish", "subscribe", "notify"))
    options.add_argument("number", type=int)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--profile", action="store_true")
    options.add_argument(
        "--counted", action="store_true", help="run by callgrind, which counts the work alone"
    )
    given = options.parse_args()
    async with running_load() as load:
        loads = Loads(load)
        work = await getattr(loads, given.load)(given.number)
        if given.profile:
            profile = cProfile.Profile()
            profile.enable()
            await work()
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(60)
            return
        if given.counted:
            await work()  # once for what is made when it is first wanted
            with counting():
                await work()
            return
        took = []
        for _ in range(given.rounds):
            await work()
            took.append(time.process_time() - loads.before)
        print(f"{given.load}: {1e6 * min(took) / given.number:.1f} us each")


if __name__ == "__main__":
    use_uvloop()
    asyncio.run(main())
