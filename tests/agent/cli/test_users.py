"""`lamplighter users`: beside a running service and without one; no password ends up anywhere."""

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
from agent.cli.users_import import read_users
from agent.clock import SystemClock
from agent.settings import load_settings
from agent.sip.digest import make_ha1

SETTINGS = """
domains: [example.org]
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
allow_inline_secrets: true
authentication: {accounts: {pbx: {password: from-the-settings}}}
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
            cli.main(["users", *arguments, "--settings", str(path)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def stored(path: Path) -> dict[str, tuple[str, str]]:
    with sqlite3.connect(path.with_name("state.db")) as database:
        rows = database.execute("SELECT username, md5, sha256 FROM sip_users").fetchall()
    database.close()
    return {username: (md5, sha256) for username, md5, sha256 in rows}


def ha1s(username: str, password: str) -> tuple[str, str]:
    return (
        make_ha1("MD5", username, "example.org", password),
        make_ha1("SHA-256", username, "example.org", password),
    )


def test_without_a_service_the_store_is_written(run: Run, path: Path) -> None:
    assert run("add", "alice", "--password-file", "-", given="wonder:land ü\r\n")[0] == 0
    assert stored(path) == {"alice": ha1s("alice", "wonder:land ü")}
    code, _, err = run("add", "alice", "--password-file", "-", given="x\n")
    assert code == 1 and "already" in err
    assert run("passwd", "alice", "--password-file", "-", given="new\n")[0] == 0
    assert stored(path) == {"alice": ha1s("alice", "new")}
    assert run("passwd", "bob", "--password-file", "-", given="x\n")[0] == 1
    code, out, _ = run("list", "--json")
    assert [(row["username"], row["kept"]) for row in json.loads(out)] == [
        ("alice", "store"),
        ("pbx", "settings"),
    ]
    assert "alice" in run("list")[1]
    assert run("remove", "alice")[0] == 0 and stored(path) == {}
    assert run("remove", "alice")[0] == 1
    for file in path.parent.iterdir():
        assert b"wonder" not in file.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (("add", "alice@example.org", "--password-file", "-"), "x\n", 2),
        (("add", "a:b", "--password-file", "-"), "x\n", 2),
        (("add", "alice", "--password-file", "-"), "\n", 2),
        (("add", "alice", "--password-file", "/nonexistent"), "", 1),
        (("add", "pbx", "--password-file", "-"), "secret-word\n", 1),
        (("remove", "pbx"), "", 1),
    ],
)
def test_what_can_not_be_done_is_said(run: Run, arguments: tuple[str, ...], given: str, code: int) -> None:
    ended, out, err = run(*arguments, given=given)
    assert ended == code and err and "secret-word" not in out + err and "Traceback" not in err


def test_import_takes_all_or_nothing(run: Run, path: Path, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    digest = make_ha1("MD5", "carol", "example.org", "c")
    file.write_text(
        f'user,password\nalice,a\n# a remark\n\nbob,"b,""b"\ncarol:example.org:{digest.upper()}\n'
    )
    assert run("import", str(file))[:2] == (0, "3 users imported\n")
    assert stored(path) == {"alice": ha1s("alice", "a"), "bob": ha1s("bob", 'b,"b'), "carol": (digest, None)}
    file.write_text(f"dora,secret-word\nemil\nx@y,secret-word\nfay:elsewhere:{digest}\ndora,secret-word\n")
    code, _, err = run("import", str(file))
    assert code == 1 and "dora" not in stored(path) and "secret-word" not in err
    for line in (2, 3, 4, 5):
        assert f"users.csv:{line}:1: " in err


def test_both_hashes_of_one_user_may_come_from_htdigest_files() -> None:
    md5, sha256 = ha1s("a", "p")
    users, problems = read_users(f"a:example.org:{md5}\na:example.org:{sha256}\n", "example.org", "f")
    assert users == {"a": {"MD5": md5, "SHA-256": sha256}} and not problems


async def test_a_running_service_knows_at_once(run: Run, path: Path) -> None:
    settings = load_settings(path, {})
    async with open_app(settings, SystemClock(), control_path=control_path(path)) as app:

        async def command(*arguments: str, given: str = "") -> tuple[int, str, str]:
            return await asyncio.to_thread(lambda: run(*arguments, given=given))

        assert (await command("add", "alice", "--password-file", "-", given="one\n"))[0] == 0
        user = app.store.user("alice")
        assert user is not None and (user.md5, user.sha256) == ha1s("alice", "one")
        assert (await command("passwd", "alice", "--password-file", "-", given="two\n"))[0] == 0
        user = app.store.user("alice")
        assert user is not None and user.md5 == ha1s("alice", "two")[0]
        refused = await command("add", "alice", "--password-file", "-", given="three\n")
        assert refused[0] == 1 and "already" in refused[2]
        assert "alice" in (await command("list"))[1]
        assert (await command("remove", "alice"))[0] == 0 and app.store.user("alice") is None
        assert (await command("remove", "pbx"))[0] == 1
