"""`lamplighter keys`: with and without a running service; no key is ever printed but by `keys create --print`."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from agent.app import open_app
from agent.cli import main as cli
from agent.cli.serve import control_path
from agent.clock import SystemClock
from agent.errors import UserError
from agent.settings import load_settings

SETTINGS = """
domains: [example.org]
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
store: {url: "sqlite:///state.db"}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", StringIO(given))
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--settings", str(path)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def with_bob(run: Run) -> None:
    assert run("keys", "create")[0] == 0
    assert run("users", "add", "bob", "--password-file", "-", given="hunter2\n")[0] == 0


def test_a_key_is_made_once_and_never_shown(run, path):
    code, out, _ = run("keys", "create")
    file = path.with_name("lamplighter.key")
    key = file.read_text().splitlines()[-1]
    assert code == 0 and key not in out and file.stat().st_mode & 0o777 == 0o600
    code, _, err = run("keys", "create")
    assert code == 1 and "keys rotate" in err and file.read_text().splitlines()[-1] == key


def test_rotation_without_a_service(run, path):
    with_bob(run)
    before = json.loads(run("keys", "list", "--json")[1])
    assert [(row["current"], row["secrets"]) for row in before] == [(True, 3)]
    code, out, _ = run("keys", "rotate", "--json")
    done = json.loads(out)
    assert code == 0 and done["sealed"] == 3 and done["dropped"] == [before[0]["key"]]
    assert [row["key"] for row in json.loads(run("keys", "list", "--json")[1])] == [done["key"]]
    assert path.with_name("lamplighter.key").read_text().splitlines()[-1] not in out


async def test_rotation_in_a_running_service(run, path):
    await asyncio.to_thread(with_bob, run)
    settings = load_settings(path, {})
    async with open_app(settings, SystemClock(), control_path=control_path(path), environ={}):
        code, out, err = await asyncio.to_thread(run, "keys", "rotate")
        assert code == 0, err
        assert "3 secrets encrypted anew" in out
        code, out, _ = await asyncio.to_thread(run, "keys", "forget")
        assert code == 1
    with sqlite3.connect(path.with_name("state.db")) as database:
        ((sealed,),) = database.execute("SELECT md5 FROM sip_users").fetchall()
    database.close()
    _, out, _ = await asyncio.to_thread(run, "keys", "list", "--json")
    assert sealed.startswith("lv1." + json.loads(out)[0]["key"])


async def test_a_service_without_its_key_does_not_start(run, path):
    await asyncio.to_thread(with_bob, run)
    path.with_name("lamplighter.key").rename(path.with_name("away"))
    with pytest.raises(UserError, match="their key is not here"):
        async with open_app(load_settings(path, {}), SystemClock(), environ={}):
            pass
    code, _, err = await asyncio.to_thread(run, "users", "add", "eve", "--password-file", "-", given="x\n")
    assert code == 1 and "their key is not here" in err
    code, out, _ = await asyncio.to_thread(run, "keys", "list")
    assert code == 0 and "MISSING" in out
    code, out, _ = await asyncio.to_thread(run, "keys", "forget")
    assert code == 0 and "sip_users bob" in out
    async with open_app(load_settings(path, {}), SystemClock(), environ={}):
        pass
