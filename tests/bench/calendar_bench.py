"""What calendars cost: processor time of our own process and of the workshop's child, and memory, beside the goals.

    python -m tests.bench.calendar_bench [--events 500] [--links 10000]

A real CalDAV server (Xandikos) runs as a process of its own and is not counted. The figures for many links are over a
stand-in that answers at once, so that the client's own cost is what is seen.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from connectors.base import Link, PollConnector
from connectors.facts import CalendarValue
from connectors.registry import load
from tests.bench.caldav_stand_in import PER_LINK, PROGRAM
from tests.connectors.caldav.servers import PASSWORD, USER, Server, running
from tests.connectors.ical.texts import calendar, event
from tests.connectors.support import World, new_world, serve
from tests.support.clock import MONDAY_NINE


@dataclass
class Table:
    """Figures beside their goals."""

    missed: list[str] = field(default_factory=list)

    def row(self, name: str, figure: float, unit: str, goal: float | None = None, remark: str = "") -> None:
        beside = ""
        if goal is not None:
            met = figure <= goal
            beside = f"goal {goal:g} {unit}: {'met' if met else 'MISSED'}"
            self.missed += [] if met else [name]
        print(f"{name:44} {figure:9.2f} {unit:7} {beside:24} {remark}", flush=True)


def entry(number: int) -> str:
    """One of many events over a year around the window, every seventh a weekly series."""
    start = MONDAY_NINE + timedelta(days=number % 365 - 180, hours=number % 8)
    rule = ("RRULE:FREQ=WEEKLY",) if number % 7 == 0 else ()
    return event(
        f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}",
        "DURATION:PT45M",
        "SUMMARY:A meeting of many",
        "DESCRIPTION:" + "words " * 150,
        *rule,
        uid=f"e{number}",
    )


@dataclass
class Spent:
    """Processor time of both processes, in milliseconds a run."""

    world: World
    own: float = 0.0
    child: float = 0.0

    async def measure(
        self, work: Callable[[], Awaitable[object]], times: int, between: Callable[[], None]
    ) -> None:
        own = 0.0
        child = await self._child()
        for _ in range(times):
            between()
            before = time.process_time()
            await work()
            own += time.process_time() - before
        self.own, self.child = 1000 * own / times, 1000 * (await self._child() - child) / times

    async def _child(self) -> float:
        (seconds,) = await self.world.workshop.each(time.process_time, [()], limit=1.0)
        assert isinstance(seconds, float)
        return seconds


def caldav(world: World, server: Server) -> PollConnector:
    settings = {"url": server.url, "username": USER, "calendars": {"Work": "work"}}
    link = Link("bench", "caldav", "alice", settings, PASSWORD, "Europe/Berlin")
    made_of = load("caldav")
    return made_of.create(link, made_of.read_settings(link), world.context())  # type: ignore[return-value]


async def one_calendar(table: Table, events: int) -> None:
    with running("xandikos") as server:
        server.make_calendar("work", "Work")
        for number in range(events):
            server.put("work", f"e{number}", calendar(entry(number)))
        async with new_world() as world:
            connector = caldav(world, server)
            before = time.process_time()
            poll = await connector.poll(fresh=False)
            first = 1000 * (time.process_time() - before)
            (fact,) = poll.facts or ()
            assert isinstance(fact.value, CalendarValue)
            print(f"CalDAV, {events} events, {len(fact.value.events)} of them in the window")
            spent = Spent(world)
            await spent.measure(lambda: caldav(world, server).poll(fresh=False), 10, lambda: None)
            table.row("first sync, with discovery", spent.own, "ms", 50, f"{spent.child:.1f} ms in the child")
            table.row("the very first of a process", first, "ms", None, "imports, start of the child")
            await spent.measure(lambda: connector.poll(fresh=False), 300, lambda: None)
            table.row("unchanged poll of a calendar home", spent.own, "ms", 1)
            hours = iter(range(1000))

            def change() -> None:
                start = MONDAY_NINE + timedelta(hours=1 + next(hours) % 20)
                text = event(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT30M", uid="changing")
                server.put("work", "changing", calendar(text))

            await spent.measure(lambda: connector.poll(fresh=False), 20, change)
            table.row("changed poll, one event", spent.own, "ms", None, f"{spent.child:.1f} ms in the child")


async def one_feed(table: Table, events: int) -> None:
    text = calendar(*map(entry, range(events))).encode()

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=text, headers={"ETag": '"1"'})

    print(f"iCalendar feed, {events} events, {len(text) // 1024} KiB (with the stand-in's own cost)")
    async with serve(answer) as url, new_world() as world:
        made_of = load("ics_feed")
        link = Link("bench", "ics_feed", "alice", {"url": url}, None, "Europe/Berlin")

        def new() -> PollConnector:
            return made_of.create(link, made_of.read_settings(link), world.context())  # type: ignore[return-value]

        spent = Spent(world)
        connector = new()
        await connector.poll(fresh=False)
        await spent.measure(lambda: new().poll(fresh=False), 5, lambda: None)
        table.row("first sync", spent.own, "ms", 50, f"{spent.child:.1f} ms in the child")
        await spent.measure(lambda: connector.poll(fresh=False), 200, lambda: None)
        table.row("unchanged poll", spent.own, "ms", 1)


async def many_links(table: Table, links: int) -> None:
    # Blocking is right: nothing else runs yet.
    server = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        await polled_links(table, f"{url}/empty", links)
        await remembered_links(table, f"{url}/full", max(links // 40, 50))
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


async def linked(world: World, url: str, links: int) -> None:
    """That many links, each polled once."""
    world.runner._memory_of = lambda owner, settings: ({"home": f"{url}/"}, {})
    settings = {"url": url, "username": USER, "interval": "5m", "adaptive": False}
    for number in range(links):
        world.chance = number / links
        world.runner.add_link(Link(f"l{number}", "caldav", f"p{number}", settings, PASSWORD))
    await world.step(300)
    assert world.outcomes.count("changed") == links, set(world.outcomes)
    world.outcomes.clear()


async def polled_links(table: Table, url: str, links: int) -> None:
    async with new_world() as world:
        await linked(world, url, links)
        before = time.process_time()
        await world.step(340)
        spent = time.process_time() - before
        assert world.outcomes.count("unchanged") >= links
        each = spent / len(world.outcomes)
        print(f"{links} links, every 5 minutes, unchanged, with the runner")
        table.row("a poll", 1000 * each, "ms", 1)
        table.row("10,000 links every 5 minutes", 100 * each * 10_000 / 300, "% core", 20)


async def remembered_links(table: Table, url: str, links: int) -> None:
    async with new_world() as world:
        await linked(world, url, 20)  # what is made once is not a link's
        gc.collect()
        tracemalloc.start()
        await linked_more(world, url, links)
        gc.collect()
        memory, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{links} links with {PER_LINK} events in the window")
        table.row("memory of a link", memory / links / 1024, "KiB", 20)


async def linked_more(world: World, url: str, links: int) -> None:
    settings = {"url": url, "username": USER, "interval": "5m", "adaptive": False}
    for number in range(links):
        world.runner.add_link(Link(f"more{number}", "caldav", f"more{number}", settings, PASSWORD))
    world.emitted.clear()
    await world.step(300)
    world.emitted.clear()
    world.told.clear()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--events", type=int, default=500)
    options.add_argument("--links", type=int, default=10_000)
    given = options.parse_args()
    table = Table()
    asyncio.run(one_calendar(table, given.events))
    asyncio.run(one_feed(table, given.events))
    asyncio.run(many_links(table, given.links))
    print(f"missed: {', '.join(table.missed)}" if table.missed else "every goal is met")


if __name__ == "__main__":
    main()
