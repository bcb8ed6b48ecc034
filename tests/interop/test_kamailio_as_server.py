"""Our publisher and our subscriber at a presence server that is not ours."""

import asyncio
import json
from pathlib import Path

import pytest

from agent.cli.publish import Publication, document
from agent.cli.sip_client import open_client
from agent.cli.watch import Watcher, WatchOptions
from agent.clock import SystemClock
from agent.sip.digest import Credentials
from agent.supervise import Supervisor
from tests.support.kamailio import PASSWORD, kamailio

pytestmark = pytest.mark.interop
ALICE = "sip:alice@example.org"
CLOCK = SystemClock()


@pytest.mark.parametrize(
    ("transport", "algorithm"), [("udp", None), ("tcp", None), ("udp", "MD5"), ("tcp", "SHA-256")]
)
async def test_what_is_published_is_told_refreshed_and_removed(
    transport: str, algorithm: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = Credentials("alice", PASSWORD) if algorithm is not None else None
    told: list[dict[str, object]] = []
    said: list[str] = []

    async def until_told(*activities: str) -> None:
        """Until the watcher has told of these activities."""
        while not any(each.get("activities") == list(activities) for each in told):
            await asyncio.sleep(0.01)
            for line in capsys.readouterr().out.splitlines():
                told.append(json.loads(line)) if line.startswith("{") else said.append(line)

    async def until_said(word: str) -> None:
        while not any(word in line for line in said):
            await asyncio.sleep(0.01)
            said.extend(capsys.readouterr().out.splitlines())

    async with asyncio.timeout(40), kamailio(tmp_path, algorithm) as address:
        next_hop = f"sip:{address};transport={transport}"
        async with open_client(CLOCK, next_hop, credentials, raw=False) as client, Supervisor() as supervisor:
            watcher = Watcher(client, CLOCK, WatchOptions(as_json=True, expires=600), [ALICE])
            watching = supervisor.spawn(watcher.run(), "watch")
            publication = Publication(client, CLOCK, supervisor, ALICE, expires=2)
            body = document(ALICE, "closed", ("meeting",), "In a meeting", CLOCK.now())
            publishing = supervisor.spawn(publication.run(body, keep=False), "publish")
            await until_told("meeting")
            await until_said("refresh:")
            publication.stop()
            assert await publishing == 0
            await until_said("removed")
            watcher.stop()
            assert await watching == 0
    meetings = [each for each in told if each.get("activities")]
    assert all((each["state"], each["notes"]) == ("closed", ["In a meeting"]) for each in meetings)


async def test_a_wrong_password_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with asyncio.timeout(40), kamailio(tmp_path, "SHA-256") as address:
        wrong = Credentials("alice", "guess")
        async with open_client(CLOCK, f"sip:{address}", wrong, raw=False) as client:
            assert await Watcher(client, CLOCK, WatchOptions(), [ALICE]).run() == 4
    assert "401" in capsys.readouterr().err
