"""The ten-o'clock storm, whole path: everybody's meeting begins at one second, and every lamp has to follow.

    python -m tests.bench.ten_oclock [--people 10000] [--watchers 10]

One process is the whole service with SQLite, on a processor of its own: people, rules, decisions, documents, PUBLISH,
NOTIFY. Its calendars are told to it at once, as a connector does. The load (load.c) on the other processor plays the
watchers and notes when each lamp is lit, from the second at which the meetings begin.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from agent.app import open_app
from agent.cli.serve import is_quiet, use_uvloop
from agent.clock import SystemClock
from agent.garbage import collect_when_quiet, settle
from agent.settings import load_settings
from connectors.facts import CalendarEvent, CalendarValue, Fact, Shows
from tests.bench.machine import LOAD_CPU, SERVER_CPU, build_load, peak, pinned

RULES = """
version: 1
states:
  dnd: {basic: closed, activities: [busy], lamp: lit}
rules:
  - name: meeting means DND
    when: {calendar: {shows: busy}}
    then: {state: dnd, note: "In a meeting until {calendar.ends:%H:%M}"}
"""
LIT = ">lit<"
"What the document of somebody in a meeting has in it, and that of somebody whose meeting is still to come has not."


def write_settings(folder: Path, people: int) -> Path:
    settings = {
        "domains": ["example.org"],
        "authentication": "off",
        "rules": "rules.yaml",
        "listeners": [{"transport": "udp", "host": "127.0.0.1", "port": 0}],
        "http": {"enabled": False},
        "store": {"url": "sqlite:///state.db"},
        "people": {f"p{i}": {"sip": f"sip:p{i}@example.org"} for i in range(people)},
        "limits": {"subscriptions_per_watcher": 1_000_000},
    }
    (folder / "rules.yaml").write_text(RULES)
    (folder / "lamplighter.yaml").write_text(yaml.safe_dump(settings))
    return folder / "lamplighter.yaml"


def meeting(person: str, begins: datetime, now: datetime) -> Fact:
    """A calendar with one meeting of an hour."""
    event = CalendarEvent(begins, begins + timedelta(hours=1), Shows.BUSY)
    value = CalendarValue((event,), now - timedelta(hours=1), now + timedelta(days=2))
    return Fact(person, "bench:calendar", value, now, now + timedelta(hours=6))


async def serve(settings: Path) -> None:
    """The service; each line on its standard input is a moment at which everybody's meeting begins."""
    clock = SystemClock()
    async with open_app(load_settings(settings, {}), clock) as app:
        settle()
        app.supervisor.service(lambda: collect_when_quiet(lambda: is_quiet(app), asyncio.sleep), "garbage")
        print(app.addresses[0][1][1], flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            begins = datetime.fromtimestamp(float(line), UTC)
            app.decider.take(meeting(person, begins, clock.now()) for person in app.decider.people)


def lamps(folder: Path, people: int, watchers: int, ahead: float | None = None) -> dict[str, float]:
    """Milliseconds from the full second to the first and the last lamp, and the server's memory in MB.

    ``ahead``: seconds until the meetings begin; default: as long as subscribing takes on a slow machine.
    """
    load = build_load(folder)
    file = write_settings(folder, people)
    command = pinned(SERVER_CPU, sys.executable, "-m", "tests.bench.ten_oclock", "--serve", str(file))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdin is not None and server.stdout is not None
            port = server.stdout.readline().strip()
            if ahead is None:
                ahead = 15 + people * watchers / 800
            begins = float(int(time.time() + ahead + 1))
            command = pinned(LOAD_CPU, load, port, people, watchers, 200, "await", LIT, f"{begins:.0f}")
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
                assert watching.stdout is not None
                for line in watching.stdout:
                    said = json.loads(line)
                    if said["phase"] == "ready":
                        # Everybody watches; now the calendars become known, well before the meetings.
                        server.stdin.write(f"{begins}\n")
                        server.stdin.flush()
            assert watching.returncode == 0 and said["missing"] == 0, said
            return {
                "first_ms": said["first_ms"],
                "median_ms": said["median_ms"],
                "last_ms": said["last_ms"],
                "memory_mb": peak(server.pid),
            }
        finally:
            with contextlib.suppress(OSError):
                server.kill()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--watchers", type=int, default=10)
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve is not None:
        use_uvloop()
        asyncio.run(serve(given.serve))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = lamps(Path(folder), given.people, given.watchers)
    print(
        f"{given.people:,} meetings with {given.watchers} watchers each: first lamp after {found['first_ms']:.0f} ms, "
        f"half of them after {found['median_ms']:,.0f} ms, the last after {found['last_ms']:,.0f} ms; "
        f"memory {found['memory_mb']:,.0f} MB"
    )


if __name__ == "__main__":
    main()
