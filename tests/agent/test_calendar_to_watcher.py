"""A change in a real calendar at a real watcher, in real time: within one poll, and over a server that dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agent.app import App, open_app
from agent.clock import SystemClock
from agent.settings import load_settings
from connectors.health import HealthState
from tests.agent.test_app import Watcher, watching
from tests.connectors.caldav.servers import PASSWORD, Server, running
from tests.connectors.ical.texts import calendar, event

SETTINGS = """
domains: [example.org]
authentication: {{mode: "off"}}
listeners: [{{transport: udp, host: 127.0.0.1, port: 0}}]
http: {{enabled: false}}
store: {{url: "memory:"}}
notify: {{minimum_interval: 0s}}
outbound: {{allow_private: [127.0.0.1]}}
connectors:
  office:
    connector: caldav
    interval: {interval}
    settings: {{url: "{url}", username: alice, adaptive: false}}
people:
  alice:
    sip: sip:alice@example.org
    links: [{{connector: office, password_file: password}}]
"""


@asynccontextmanager
async def service(folder: Path, server: Server, interval: str) -> AsyncIterator[App]:
    (folder / "password").write_text(PASSWORD)
    path = folder / "lamplighter.yaml"
    path.write_text(SETTINGS.format(url=server.url, interval=interval))
    async with open_app(load_settings(path, {}), SystemClock(), environ={}) as app:
        yield app


def meeting_now(uid: str) -> str:
    now = SystemClock().now()
    start, end = now - timedelta(minutes=5), now + timedelta(hours=2)
    return calendar(event(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}", uid=uid))


async def shown(watcher: Watcher, basic: str) -> None:
    """Waits until the watcher was told so."""
    async with asyncio.timeout(60):
        while f"<basic>{basic}</basic>" not in (await watcher.notifies.get()).body.decode():
            pass


def told_since(watcher: Watcher) -> set[str]:
    """What the watcher was told meanwhile."""
    bodies = [watcher.notifies.get_nowait().body.decode() for _ in range(watcher.notifies.qsize())]
    return {basic for basic in ("open", "closed") for body in bodies if f"<basic>{basic}</basic>" in body}


async def health(app: App, state: HealthState) -> None:
    async with asyncio.timeout(60):
        while app.runner.health()[0].state is not state:
            await asyncio.sleep(0.05)


@pytest.fixture
def server():
    with running("radicale") as started:
        started.make_calendar("work", "Work")
        yield started


async def test_a_change_is_at_the_watcher_within_one_poll(tmp_path, server):
    """The poll that sees a change is the first after it: nothing on the way waits for another."""
    async with service(tmp_path, server, "1h") as app, watching(app) as watcher:
        await health(app, HealthState.OK)
        await shown(watcher, "open")
        await asyncio.to_thread(server.put, "work", "m1", meeting_now("m1"))
        app.runner.poll_now("office/alice")
        await shown(watcher, "closed")
        await asyncio.to_thread(server.delete, "work", "m1")
        app.runner.poll_now("office/alice")
        await shown(watcher, "open")


async def test_a_server_that_dies_and_comes_back_while_it_is_polled(tmp_path, server):
    await asyncio.to_thread(server.put, "work", "m1", meeting_now("m1"))
    async with service(tmp_path, server, "300ms") as app, watching(app) as watcher:
        await shown(watcher, "closed")
        await asyncio.to_thread(server.kill)
        await health(app, HealthState.UNREACHABLE)
        assert "open" not in told_since(watcher), "what was known stays"
        await asyncio.to_thread(server.start)
        await health(app, HealthState.OK)
        assert "open" not in told_since(watcher)
        await asyncio.to_thread(server.delete, "work", "m1")
        await shown(watcher, "open")
