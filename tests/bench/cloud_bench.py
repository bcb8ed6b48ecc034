"""What calendars of Microsoft 365 and Google cost: processor time of our own process.

    python -m tests.bench.cloud_bench [--people 100]

The stand-ins run in a process of their own, Microsoft's over TLS, and are not counted.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from connectors.base import Entry, Link
from connectors.http import Http
from connectors.registry import load
from tests.connectors.google import google_server as google
from tests.connectors.microsoft import graph_server as graph
from tests.connectors.microsoft.login_server import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.connectors.support import LOOPBACK, new_world
from tests.support.clock import MONDAY_NINE

EVENTS = 10
"Of each person within the window."


def people(count: int) -> list[str]:
    return [f"p{number}@example.org" for number in range(count)]


async def stand_ins(folder: Path, count: int) -> None:
    """Runs until killed; says where."""
    now = lambda: MONDAY_NINE  # noqa: E731
    async with graph.graph_server(folder, now) as microsoft, google.google_server(now) as calendars:
        calendars.skew = 1e6  # the client's clock goes on, this one does not
        for person in people(count):
            for number in range(EVENTS):
                start = MONDAY_NINE + timedelta(hours=4 * number)
                microsoft.mailbox(person).put(graph.event(start, start + timedelta(hours=1)))
                calendars.calendar(person).put(google.event(start, start + timedelta(hours=1)))
            calendars.calendar(person).readers.add("*")
        print(json.dumps([microsoft.url, calendars.url, calendars.service_key()]), flush=True)
        await asyncio.Event().wait()


@contextmanager
def running(count: int):
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.cloud_bench", "--serve", folder, "--people", str(count)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Path(folder) / "ca.pem", json.loads(server.stdout.readline())
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


class Figures:
    """Processor time of what is inside."""

    def __init__(self, title: str, times: int) -> None:
        self._title, self._times = title, times

    def __enter__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        cpu = 1000 * (time.process_time() - self._cpu) / self._times
        wall = 1000 * (time.perf_counter() - self._wall) / self._times
        print(f"{self._title:48}: {cpu:8.2f} ms cpu {wall:8.1f} ms wall")


async def one_source(name: str, entry: Entry, ca_file: Path, count: int) -> None:
    made_of = load(name)
    async with new_world(http=Http(LOOPBACK, ca_file=ca_file)) as world:
        for mode in ("calendar", "free-busy"):
            settings = {**entry.settings, "mode": mode}
            hub = made_of.create_hub(
                entry, made_of.read_hub_settings(Entry(entry.key, settings)), world.context()
            )
            connectors = []
            for person in people(count):
                link = Link(person, name, person, settings, entry.secret, "UTC", (person,), entry=entry)
                context = world.context()
                object.__setattr__(context, "hub", hub)
                connectors.append(made_of.create(link, made_of.read_settings(link), context))
            with Figures(f"{name}, {mode}: the first poll of a process", 1):
                await connectors[0].poll(fresh=False)
            with Figures(f"{name}, {mode}: first poll, each of {count - 1}", count - 1):
                for connector in connectors[1:]:
                    await connector.poll(fresh=False)
            rounds = 5
            with Figures(f"{name}, {mode}: unchanged poll, each of {count}", rounds * count):
                for _ in range(rounds):
                    world.clock.advance(120)
                    for connector in connectors:
                        assert (await connector.poll(fresh=False)).facts is None
            with Figures(f"{name}, {mode}: unchanged, all {count} together", rounds):
                for _ in range(rounds):
                    world.clock.advance(120)
                    await asyncio.gather(*(connector.poll(fresh=False) for connector in connectors))
            await hub.close()


async def bench(count: int) -> None:
    with running(count) as (ca_file, (graph_url, google_url, key)):
        microsoft = {
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "cloud": {"login": graph_url, "graph": graph_url},
        }
        await one_source("microsoft", Entry("m365", microsoft, CLIENT_SECRET), ca_file, count)
        endpoints = {"api": f"{google_url}/calendar/v3", "token": f"{google_url}/token"}
        await one_source("google", Entry("google", {"endpoints": endpoints}, key), ca_file, count)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--people", type=int, default=100)
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve is not None:
        asyncio.run(stand_ins(given.serve, given.people))
    else:
        asyncio.run(bench(given.people))


if __name__ == "__main__":
    main()
