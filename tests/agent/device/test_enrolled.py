"""A computer joins a running service, reports from a real X11 session, and is shut out again."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.ports import free_port
from tests.support.screen import Screen, screen
from tests.support.served import PATIENCE, Served
from tests.support.wait import until

SETTINGS = """
domains: [example.org]
people: {alice: {sip: "sip:alice@example.org"}}
connectors: {computers: {connector: computer, everyone: true}}
ingress: {enabled: true, host: 127.0.0.1, port: %d}
rules: rules.yaml
"""
RULES = """
version: 1
include: [states, manual]
rules:
  - name: at the computer
    when: {activity: active}
    then: {state: available}
  - name: away from it
    when: {activity: idle}
    then: {state: away}
"""


class Office:
    """The service, and a computer with its screen."""

    def __init__(self, served: Served, url: str, screen: Screen, folder: Path) -> None:
        self.served, self.url, self.screen, self.folder = served, url, screen, folder
        self.file = folder / "device.json"

    def lamplighter(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent", *arguments],
            capture_output=True, text=True, env=self.environ, timeout=PATIENCE, check=False,
        )  # fmt: skip

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "agent", *arguments]
        return subprocess.Popen(command, env=self.environ, stderr=subprocess.PIPE, text=True)

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.screen.display, "AW_SERVER": "http://127.0.0.1:9"}

    async def shown(self) -> str:
        board = (await self.served.ask("GET", "/v1/board"))[1]
        return board[0]["state"] if board else ""


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    (tmp_path / "rules.yaml").write_text(RULES)
    port = free_port()
    served = Served(tmp_path, SETTINGS % port)
    with screen() as made:
        try:
            await served.start()
            yield Office(served, f"http://127.0.0.1:{port}", made, tmp_path)
        finally:
            await served.end()


async def test_from_the_code_to_the_lamp_and_out_again(office: Office) -> None:
    offered = office.lamplighter(
        "devices", "enroll", "alice", "--settings", str(office.served.settings), "--json"
    )
    code = json.loads(offered.stdout)["code"]
    assert await office.shown() == "unknown", "no computer has said anything yet"

    here = ("--file", str(office.file))
    joined = office.lamplighter("device", "enroll", office.url, code.lower(), "--name", "laptop", *here)
    assert joined.returncode == 0, joined.stderr
    assert office.file.stat().st_mode & 0o077 == 0
    twice = office.lamplighter("device", "enroll", office.url, code, *here)
    assert twice.returncode == 1 and "ask for another one" in twice.stderr

    office.screen.move()
    seen = office.lamplighter("device", "show", "--json")
    assert json.loads(seen.stdout)["seen_by"][0] == "X11"
    reporter = office.start("device", "run", "--every", "15", *here)
    try:
        await until(lambda: office.shown(), "available")
        why = (await office.served.ask("GET", "/v1/people/alice/explain"))[1]["text"]
        assert "laptop" in why

        tokens = (await office.served.ask("GET", "/v1/tokens"))[1]
        assert [(row["person"], row["note"]) for row in tokens] == [("alice", "computer laptop")]
        await office.served.ask("DELETE", f"/v1/tokens/{tokens[0]['id']}")
        _, errors = reporter.communicate(timeout=PATIENCE)
        assert reporter.returncode == 4
        assert "enroll it again" in errors
    finally:
        reporter.kill()
        reporter.wait()
    assert json.loads(office.file.read_text())["token"] not in office.served.log


async def test_choosing_by_http(office: Office) -> None:
    made = office.lamplighter(
        "tokens", "create", "choose", "alice", "--settings", str(office.served.settings), "--json"
    )
    head = {"Authorization": f"Bearer {json.loads(made.stdout)['token']}"}
    async with aiohttp.ClientSession(office.url, headers=head) as client:
        async with client.post("/in/choose", json={"text": "lunch 45m"}) as answer:
            told = await answer.json()
            assert (answer.status, told["state"]) == (200, "lunch")
            assert told["until"]
        async with client.post("/in/choose", data="banana") as answer:
            assert answer.status == 422
            assert "lunch" in (await answer.json())["detail"], "what is understood is said"
        async with client.get("/in/choose") as answer:
            assert (await answer.json())["state"] == "lunch", "what is not understood changes nothing"
        async with client.post("/in/choose?text=auto") as answer:
            assert (await answer.json())["state"] == "unknown"
        async with client.post("/in/choose", json={"state": "lunch"}) as answer:
            assert answer.status == 422
    async with aiohttp.ClientSession(office.url) as stranger, stranger.post("/in/choose?text=dnd") as answer:
        assert answer.status == 401
