"""`lamplighter tokens`: shown once, kept as a hash, dead at once when revoked; beside a service and without one."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from agent.app import open_app
from agent.cli import main as cli
from agent.cli.serve import control_path
from agent.clock import SystemClock
from agent.settings import load_settings

SETTINGS = """
domains: [example.org]
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
ingress: {enabled: true, port: 0, public_url: "https://in.example.org/"}
store: {url: "sqlite:///state.db"}
connectors: {places: {connector: example}}
people: {alice: {sip: "sip:alice@example.org"}}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["tokens", *arguments, "--settings", str(path)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_without_a_service_the_store_is_written(run: Run, path: Path) -> None:
    code, out, _ = run("create", "places", "alice", "--note", "her phone", "--json")
    made = json.loads(out)
    assert code == 0 and made["url"] == f"https://in.example.org/in/t/{made['token']}"
    code, out, _ = run("create", "places")
    assert code == 0 and "Bearer" in out and "shown this once" in out
    rows = json.loads(run("list", "--json")[1])
    assert [(row["entry"], row["person"], row["note"]) for row in rows] == [
        ("places", "alice", "her phone"),
        ("places", None, ""),
    ]
    assert "her phone" in run("list")[1]
    for file in path.parent.iterdir():
        assert made["token"].encode() not in file.read_bytes()
    assert run("revoke", made["id"])[0] == 0
    code, _, err = run("revoke", made["id"])
    assert code == 1 and "tokens list" in err
    with sqlite3.connect(path.with_name("state.db")) as database:
        assert database.execute("SELECT count(*) FROM ingress_tokens").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("create", "palces"), "places"),
        (("create", "places", "mallory"), "mallory"),
        (("create", "places", "--note", "a\nb"), "one line"),
    ],
)
def test_what_can_not_be_done_is_said(run: Run, arguments: tuple[str, ...], word: str) -> None:
    code, _, err = run(*arguments)
    assert code == 1 and word in err and "Traceback" not in err


async def test_a_running_service_knows_at_once(run: Run, path: Path) -> None:
    settings = load_settings(path, {})
    async with open_app(settings, SystemClock(), control_path=control_path(path)) as app:
        made = json.loads((await asyncio.to_thread(run, "create", "places", "alice", "--json"))[1])
        url = f"http://127.0.0.1:{app.ingress_port}/in/places"
        async with aiohttp.ClientSession() as client:

            async def status() -> int:
                headers = {"Authorization": f"Bearer {made['token']}"}
                async with client.post(url, headers=headers) as response:
                    return response.status

            # The token is right; only nobody receives there.
            assert await status() == 404
            assert (await asyncio.to_thread(run, "revoke", made["id"]))[0] == 0
            assert await status() == 401
        refused = await asyncio.to_thread(run, "create", "nowhere")
        assert refused[0] == 1 and "places" in refused[2]
