"""What calendars cost: processor time of our own process and of the workshop's child, and memory.

    python -m tests.bench.calendar_bench [--events 500] [--links 10000]

A real CalDAV server (Xandikos) runs as a process of its own and is not counted. The figures for many links
are for unchanged polls over a stand-in that answers at once, so that the client's own cost is what is seen.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta

from connectors.base import Link
from connectors.facts import CalendarValue
from connectors.registry import load
from tests.connectors.caldav.servers import PASSWORD, USER, running
from tests.connectors.caldav.test_real_servers import CountingHttp
from tests.connectors.ical.texts import calendar, event
from tests.connectors.support import LOOPBACK, new_world
from tests.support.clock import MONDAY_NINE

STAND_IN = r"""
from aiohttp import web
BODY = ('<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/h/work/</d:href>'
        '<d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/></d:resourcetype>'
        '<d:sync-token>1</d:sync-token></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>'
        '</d:multistatus>')
EMPTY = '<d:multistatus xmlns:d="DAV:"/>'
async def answer(request):
    await request.read()
    return web.Response(status=207, text=EMPTY if request.method == "REPORT" else BODY)
async def main():
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await __import__("asyncio").Event().wait()
__import__("asyncio").run(main())
"""


def fill(server, events: int) -> None:
    """``events`` objects over a year around the window, every seventh a weekly series."""
    for number in range(events):
        start = MONDAY_NINE + timedelta(days=number % 365 - 180, hours=number % 8)
        rule = ("RRULE:FREQ=WEEKLY",) if number % 7 == 0 else ()
        text = event(
            f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}",
            "DURATION:PT45M",
            "SUMMARY:A meeting of many",
            "DESCRIPTION:" + "words " * 150,
            *rule,
            uid=f"e{number}",
        )
        server.put("work", f"e{number}", calendar(text))


async def one_calendar(events: int) -> None:
    with running("xandikos") as server:
        server.make_calendar("work", "Work")
        fill(server, events)
        async with new_world(http=CountingHttp(LOOPBACK)) as world:
            settings = {"url": server.url, "username": USER, "calendars": {"Work": "work"}}
            link = Link("bench", "caldav", "alice", settings, PASSWORD, "Europe/Berlin")
            made_of = load("caldav")
            context = world.context()
            connector = made_of.create(link, made_of.read_settings(link), context)
            wall = time.perf_counter()
            before = time.process_time()
            poll = await connector.poll(fresh=False)
            print(
                f"first link of a process: {1000 * (time.process_time() - before):8.2f} ms cpu"
                f" {1000 * (time.perf_counter() - wall):8.1f} ms wall (imports, discovery, child start)"
            )
            (fact,) = poll.facts
            assert isinstance(fact.value, CalendarValue)
            print(f"  {len(fact.value.events)} events in the window of {events} objects")
            for name, fresh, times in (("unchanged poll", False, 300), ("changed poll", True, 20)):
                world.http.asked.clear()
                (child,) = await world.workshop.each(time.process_time, [()], limit=1.0)
                before, wall = time.process_time(), time.perf_counter()
                for _ in range(times):
                    await connector.poll(fresh=fresh)
                cpu = 1000 * (time.process_time() - before) / times
                wall = 1000 * (time.perf_counter() - wall) / times
                requests = len(world.http.asked) / times
                (later,) = await world.workshop.each(time.process_time, [()], limit=1.0)
                print(
                    f"{name:23}: {cpu:8.2f} ms cpu {1000 * (later - child) / times:8.2f} ms in the child"
                    f" {wall:8.1f} ms wall, {requests:.0f} request(s)"
                )


async def many_links(links: int) -> None:
    # Blocking is right: nothing else runs yet.
    server = subprocess.Popen([sys.executable, "-c", STAND_IN], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        async with new_world() as world:
            world.runner._memory_of = lambda owner, settings: ({"home": f"{url}/h/"}, {})
            gc.collect()
            tracemalloc.start()
            settings = {"url": url, "username": USER, "interval": "5m"}
            for number in range(links):
                world.chance = number / links
                world.runner.add_link(Link(f"l{number}", "caldav", f"p{number}", settings, PASSWORD))
            await world.step(300)
            gc.collect()
            memory, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert world.outcomes.count("changed") == links, set(world.outcomes)
            world.outcomes.clear()
            before = time.process_time()
            await world.step(340)
            cpu = time.process_time() - before
            assert world.outcomes.count("unchanged") >= links
            polls = len(world.outcomes)
            print(
                f"{links} links            : {1000 * cpu / polls:8.2f} ms cpu per unchanged poll with the runner;"
                f" every 5 minutes = {100 * cpu / polls * links / 300:.1f} % of a core"
            )
            print(f"  memory per link with an empty window: {memory / links / 1024:.1f} KiB")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--events", type=int, default=500)
    options.add_argument("--links", type=int, default=10_000)
    given = options.parse_args()
    asyncio.run(one_calendar(given.events))
    asyncio.run(many_links(given.links))


if __name__ == "__main__":
    main()
