"""Lamplighter behind a Kamailio that runs `deploy/examples/kamailio` as it stands there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.cli.publish import Publication, document
from agent.cli.sip_client import open_client
from agent.cli.watch import Watcher, WatchOptions
from agent.clock import SystemClock
from agent.sip.flows import Transport
from agent.supervise import Supervisor
from tests.support.kamailio import running
from tests.support.ports import free_port
from tests.support.running_server import RunningServer, running_server

pytestmark = pytest.mark.interop
ALICE = "sip:alice@example.org"
CLOCK = SystemClock()
EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "kamailio" / "kamailio.cfg"


@asynccontextmanager
async def proxy(folder: Path, lamplighter: str) -> AsyncIterator[str]:
    """Its ``127.0.0.1:PORT`` over UDP and TCP."""
    port = free_port()
    where = [word for kind in ("udp", "tcp") for word in ("-l", f"{kind}:127.0.0.1:{port}")]
    async with running(EXAMPLE, folder, port, *where, "-A", f'LAMPLIGHTER="{lamplighter}"') as address:
        yield address


class Heard:
    """What the watch command has printed so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.documents: list[dict[str, Any]] = []
        self.words: list[str] = []

    def read(self) -> None:
        for line in self._capsys.readouterr().out.splitlines():
            if line.startswith("{"):
                self.documents.append(json.loads(line))
            else:
                self.words.append(line)

    async def until(self, *activities: str) -> None:
        while not any(each.get("activities") == list(activities) for each in self.documents):
            await asyncio.sleep(0.01)
            self.read()

    async def until_said(self, word: str) -> None:
        while not any(word in line for line in self.words):
            await asyncio.sleep(0.01)
            self.read()


def subscriptions(behind: RunningServer) -> list[tuple[str, int]]:
    """(Call-ID, CSeq of the last SUBSCRIBE) of each."""
    return [(row.call_id, row.remote_cseq) for row in behind.store.all_subscriptions()]


async def settled(behind: RunningServer) -> None:
    """Until the last NOTIFY has its answer, and nobody looks for the way of another."""
    while behind.supervisor.names() or behind.server.driver.endpoint.open_transactions[0]:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("to_proxy", ["udp", "tcp"])
@pytest.mark.parametrize("to_server", ["udp", "tcp"])
async def test_a_watcher_and_a_publisher_reach_it_through_the_proxy(
    to_proxy: str, to_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard(capsys)
    async with asyncio.timeout(40), running_server() as behind:
        server = f"sip:{behind.address(Transport[to_server.upper()])};transport={to_server}"
        async with proxy(tmp_path, server) as address:
            next_hop = f"sip:{address};transport={to_proxy}"
            async with open_client(CLOCK, next_hop, None, raw=False) as client, Supervisor() as supervisor:
                options = WatchOptions(as_json=True, expires=600, from_="sip:bob@example.org")
                watcher = Watcher(client, CLOCK, options, [ALICE])
                watching = supervisor.spawn(watcher.run(), "watch")
                publication = Publication(client, CLOCK, supervisor, ALICE, expires=600)
                body = document(ALICE, "closed", ("meeting",), "In a meeting", CLOCK.now())
                publishing = supervisor.spawn(publication.run(body, keep=False), "publish")
                await heard.until("meeting")

                (row,) = behind.store.all_subscriptions()
                assert row.watcher == "sip:bob@example.org"
                assert row.route_set, "the proxy has not put itself into the dialog"
                assert all(address in route for route in row.route_set)

                publication.stop()
                assert await publishing == 0
                await heard.until_said("removed")
                watcher.stop()
                assert await watching == 0
                assert subscriptions(behind) == []
                await settled(behind)
    met = [each for each in heard.documents if each.get("activities")]
    assert {(each["state"], *each["notes"]) for each in met} == {("closed", "In a meeting")}


async def test_other_packages_stay_at_the_proxy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with (
        asyncio.timeout(40),
        running_server() as behind,
        proxy(tmp_path, f"sip:{behind.address(Transport.UDP)}") as address,
        open_client(CLOCK, f"sip:{address}", None, raw=False) as client,
    ):
        watcher = Watcher(client, CLOCK, WatchOptions(event="message-summary"), [ALICE])
        assert await watcher.run() == 4
        assert subscriptions(behind) == []
    assert "405" in capsys.readouterr().err
