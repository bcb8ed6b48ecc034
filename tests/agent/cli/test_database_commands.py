"""`lamplighter backup`, `restore` and `database check` as an administrator types them."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

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
authentication: {mode: "off"}
store: {url: "sqlite:///state.db"}
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
            cli.main([*arguments, "--settings", str(path)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out.replace("\n", " "), captured.err

    return run


async def test_backup_check_and_restore(path: Path, run: Run) -> None:
    copy = path.with_name("copy.db")
    assert run("backup", str(copy))[0] == 1, "there is no database yet"
    async with open_app(load_settings(path, {}), SystemClock(), control_path=control_path(path)) as app:
        alice = app.decider.people["alice"]
        await app.choices.choose(alice, "dnd", "test")
        code, out, _ = run("backup", str(copy))
        assert code == 0 and "1 manual choices" in out
        assert run("backup", str(copy))[0] == 1, "not overwritten without a word"
        assert run("backup", str(copy), "--replace", "--json")[0] == 0
        code, out, _ = run("database", "check", "--json")
        assert code == 0 and json.loads(out)["ok"] and json.loads(out)["rows"]["manual_choices"] == 1
        code, _, err = run("restore", str(copy))
        assert code == 1 and "runs; stop it first" in err
        await app.choices.choose(alice, "auto", "test")
    code, out, err = run("restore", str(copy))
    assert code == 0, err
    assert "What was there before is in" in out
    async with open_app(load_settings(path, {}), SystemClock()) as app:
        choice = app.store.manual("alice")
        assert choice is not None and choice.state == "dnd"
    code, out, _ = run("database", "check")
    assert code == 0 and "whole" in out


def test_a_database_from_the_future_is_named(path: Path, run: Run) -> None:
    with sqlite3.connect(path.with_name("state.db")) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('9999')"
        )
    connection.close()
    code, _, err = run("database", "check")
    assert code == 1 and "9999" in err and "newer" in err


def test_postgresql_and_memory_have_no_file(path: Path, run: Run) -> None:
    for url, said in (("postgresql://me@localhost/state", "pg_dump"), ("memory:", "keeps nothing")):
        path.write_text(SETTINGS.replace("sqlite:///state.db", url))
        code, _, err = run("backup", str(path.with_name("copy.db")))
        assert code == 1 and said in err
