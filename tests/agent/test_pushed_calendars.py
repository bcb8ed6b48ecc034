"""From a change in a cloud calendar to the lamp: pushed through the door for requests from outside, nothing polled."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.connectors.google import google_server as google
from tests.connectors.microsoft import graph_server as graph
from tests.connectors.microsoft.login_server import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.support.clock import MONDAY_NINE
from tests.support.phone import Phone
from tests.support.ports import free_port
from tests.support.service import said, service

ALICE = "alice@example.org"
RULES = "version: 1\ninclude: [meetings]\n"
SETTINGS = """
people:
  alice: {{sip: "sip:alice@example.org", emails: [alice@example.org]}}
ingress: {{enabled: true, port: {port}, public_url: "https://presence.example.org"}}
connectors:
  cloud:
    connector: {connector}
    password_file: secret
    everyone: true
    settings: {{interval: 1d, {settings}}}
"""


@contextlib.asynccontextmanager
async def at_microsoft(folder: Path, now: Callable[[], datetime]):
    async with graph.graph_server(folder, now) as server:
        (folder / "secret").write_text(CLIENT_SECRET)
        cloud = f'{{login: "{server.url}", graph: "{server.url}"}}'
        server.mailbox(ALICE)

        def put(start: datetime, end: datetime) -> None:
            server.mailbox(ALICE).put(graph.event(start, end, id="meeting"))

        yield server, f"tenant: {TENANT}, client_id: {CLIENT_ID}, cloud: {cloud}", put


@contextlib.asynccontextmanager
async def at_google(folder: Path, now: Callable[[], datetime]):
    async with google.google_server(now) as server:
        (folder / "secret").write_text(server.service_key())
        (folder / "ca.pem").write_text("")
        endpoints = f'{{api: "{server.url}/calendar/v3", token: "{server.url}/token"}}'
        server.calendar(ALICE)

        def put(start: datetime, end: datetime) -> None:
            server.calendar(ALICE).put(google.event(start, end, id="meeting"))

        yield server, f"endpoints: {endpoints}", put


async def until(phone: Phone, expected: str) -> None:
    """Real time: what happens on the way is on real sockets."""
    async with asyncio.timeout(60):
        while not said(phone) or said(phone)[-1] != expected:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("connector", "cloud"), [("microsoft", at_microsoft), ("google", at_google)])
async def test_a_change_is_pushed_to_the_lamp_and_a_deletion_too(tmp_path, connector, cloud) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    def now() -> datetime:
        return MONDAY_NINE + timedelta(seconds=loop.time() - began)

    async with cloud(tmp_path, now) as (server, settings, put):
        port = free_port()
        server.reach["https://presence.example.org"] = f"http://127.0.0.1:{port}"
        given = SETTINGS.format(port=port, connector=connector, settings=settings)
        if connector == "microsoft":
            given += "outbound: {allow_private: [127.0.0.0/8], ca_file: ca.pem}\n"
        async with service(tmp_path, given, RULES) as here:
            phone = await here.watch("sip:alice@example.org")
            await until(phone, "open dark")
            async with asyncio.timeout(60):
                while not (server.subscriptions if connector == "microsoft" else server.channels):
                    await asyncio.sleep(0.01)
            start = here.clock.now() - timedelta(minutes=5)
            put(start, start + timedelta(hours=1))
            assert await server.notify(ALICE) in ([202], [200])
            await until(phone, f'closed lit "In a meeting until {start + timedelta(hours=1):%H:%M}"')
            put(start - timedelta(days=30), start - timedelta(days=29))
            await server.notify(ALICE)
            await until(phone, "open dark")
