"""`lamplighter link`, `unlink`, `links`: beside a running service and without one; no secret ends up anywhere."""

import asyncio
import json
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from aiohttp import web

from agent.app import App, open_app
from agent.cli import main as cli
from agent.cli.keys_create import fresh_key
from agent.cli.serve import control_path
from agent.clock import SystemClock
from agent.settings import load_settings
from agent.vault.keyring import KeyRing
from agent.vault.sources import write_keys
from tests.connectors.support import serve

SETTINGS = """
domains: [example.org]
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
outbound: {allow_private: [127.0.0.1]}
store: {url: "sqlite:///state.db"}
people:
  alice: {sip: "sip:alice@example.org", privacy: details}
  bob: {sip: "sip:bob@example.org"}
"""
PASSWORD = "correct-horse-battery"
SECRET_PATH = "feed-token-8c1d77"
Run = Callable[..., "asyncio.Future[tuple[int, str, str]]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    write_keys(tmp_path / "lamplighter.key", KeyRing((fresh_key(),)))
    return path


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def now(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", StringIO(given))
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--settings", str(path)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return lambda *arguments, given="": asyncio.to_thread(now, *arguments, given=given)


def calendar() -> str:
    soon = SystemClock().now() + timedelta(hours=2)
    event = f"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:{soon:%Y%m%dT%H%M%SZ}\r\nDURATION:PT30M\r\n"
    broken = "BEGIN:VEVENT\r\nUID:broken\r\nDTSTART:whenever\r\nEND:VEVENT\r\n"
    return f"BEGIN:VCALENDAR\r\n{event}SUMMARY:Review\r\nEND:VEVENT\r\n{broken}END:VCALENDAR\r\n"


@asynccontextmanager
async def feed() -> AsyncIterator[str]:
    """A feed at a secret address, and the same behind a password."""

    async def answer(request: web.BaseRequest) -> web.Response:
        right = "Basic " + b64encode(f"alice:{PASSWORD}".encode()).decode()
        if request.path == "/private.ics" and request.headers.get("Authorization") != right:
            return web.Response(status=401)
        if request.path not in ("/private.ics", f"/{SECRET_PATH}.ics"):
            return web.Response(status=404)
        return web.Response(text=calendar())

    async with serve(answer) as url:
        yield url


@asynccontextmanager
async def service(path: Path) -> AsyncIterator[App]:
    settings = load_settings(path, {})
    reread = lambda: load_settings(path, {})  # noqa: E731
    async with open_app(
        settings, SystemClock(), control_path=control_path(path), environ={}, reread=reread
    ) as app:
        yield app


@asynccontextmanager
async def perhaps_a_service(path: Path, runs: bool) -> AsyncIterator[None]:
    if runs:
        async with service(path):
            yield
    else:
        yield


@pytest.mark.parametrize("runs", [True, False], ids=["service", "alone"])
async def test_an_account_is_tried_kept_shown_and_taken_back(path, run, runs):
    async with feed() as url, perhaps_a_service(path, runs):
        credentials = ("--url", f"{url}/private.ics", "--username", "alice", "--password-file", "-")
        code, out, _ = await run("link", "alice", "ics", *credentials, "--json", given="wrong\n")
        refused = json.loads(out)
        assert code == 1 and not refused["kept"] and refused["report"]["state"] == "auth-failed"
        assert json.loads((await run("links", "--json"))[1]) == []

        code, out, _ = await run("link", "alice", "ics", *credentials, given=f"{PASSWORD}\n")
        assert code == 0 and "linked ics/alice" in out
        assert "Review: shown as dnd" in out and "event with UID broken" in out

        (row,) = json.loads((await run("links", "--json"))[1])
        assert (row["link"], row["kept"]) == ("ics/alice", "store")
        code, out, _ = await run("links", "check", "alice", "--json")
        (report,) = json.loads(out)
        assert code == 0 and report["state"] == "partial"
        assert [event["presence"] for event in report["coming"]] == [
            f"dnd (In a meeting until {end_of(report)})"
        ]
        assert report["withheld"] == ["titles, places and categories of private events"]
        code, out, _ = await run("unlink", "alice")
        assert (code, out) == (0, "unlinked ics/alice\n")
        assert json.loads((await run("links", "--json"))[1]) == []
        assert (await run("unlink", "alice"))[0] == 1


def end_of(report: dict[str, list[dict[str, str]]]) -> str:
    return report["coming"][0]["end"][11:16]


async def test_what_was_linked_without_a_service_is_in_force_when_it_starts_and_outlives_reloads(path, run):
    async with feed() as url:
        assert (await run("link", "bob", "ics", "--url", f"{url}/{SECRET_PATH}.ics"))[0] == 0
        async with service(path) as app:
            assert [health.link for health in app.runner.health()] == ["ics/bob"]
            path.write_text(SETTINGS + "timezone: Europe/Berlin\n")
            assert not (await app.reload()).problems
            assert [health.link for health in app.runner.health()] == ["ics/bob"]
            path.write_text(SETTINGS.replace('  bob: {sip: "sip:bob@example.org"}\n', ""))
            assert not (await app.reload()).problems
            assert app.runner.health() == []
            (row,) = json.loads((await run("links", "--json"))[1])
            assert row["state"] == "misconfigured" and "nobody is called 'bob'" in row["words"]


async def test_no_secret_is_in_the_database_a_backup_the_log_or_any_answer(path, run, caplog):
    caplog.set_level("DEBUG")
    said = ""
    async with feed() as url, service(path):
        for arguments, given in (
            (("link", "bob", "ics", "--url", f"{url}/{SECRET_PATH}.ics"), ""),
            (("link", "alice", "ics", "--url", f"{url}/private.ics", "--username", "alice",
              "--password-file", "-"), f"{PASSWORD}\n"),
            (("link", "alice", "ics", "--url", f"{url}/{SECRET_PATH}-gone.ics", "--name", "other"), ""),
            (("links", "--json"), ""), (("links", "check", "--json"), ""), (("status", "--json"), ""),
            (("keys", "list", "--json"), ""), (("keys", "rotate", "--json"), ""),
            (("backup", str(path.with_name("copy.db"))), ""),
        ):  # fmt: skip
            _, out, err = await run(*arguments, given=given)
            said += out + err
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    files = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.suffix != ".sock")
    assert path.with_name("copy.db").stat().st_size > 0
    for secret in (PASSWORD, SECRET_PATH):
        assert secret not in said, "in what a command printed"
        assert secret not in logged, "in the log"
        assert secret.encode() not in files, "in a file"
        assert b64encode(secret.encode()) not in files


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("link", "alcie", "ics"), "nobody is called 'alcie' (did you mean 'alice'?)"),
        (("link", "alice", "caldavv"), "there is no source 'caldavv' (did you mean 'caldav'?)"),
        (("link", "alice", "ics", "--set", "intervall=60s", "--url", "https://cal.example/x"), "intervall"),
        (("link", "alice", "ics", "--set", "interval"), "expected KEY=VALUE"),
        (("link", "alice", "ics", "--password-file", "-"), "an empty secret"),
        (("links", "check", "carol"), "nobody is called 'carol'"),
    ],
)
async def test_mistakes_are_told(run, arguments, expected):
    code, _, err = await run(*arguments, given="\n")
    assert code in (1, 2) and expected in err


async def test_what_stands_in_the_settings_is_changed_there(path, run):
    path.write_text(
        SETTINGS.replace(
            "privacy: details",
            "links: [{connector: team, settings: {url: 'https://calendar.example/t.ics'}}]",
        )
        + "connectors: {team: {connector: ics_feed}}\n"
    )
    code, _, err = await run("link", "alice", "team", "--no-check", "--no-password")
    assert code == 1 and "stands in the settings file" in err
    code, _, err = await run("unlink", "alice", "team")
    assert code == 1 and "stands in the settings file" in err
    (row,) = json.loads((await run("links", "alice", "--json"))[1])
    assert (row["link"], row["kept"]) == ("team/alice", "settings")


async def test_an_address_inside_is_refused_and_not_kept(path, run):
    path.write_text(SETTINGS.replace("outbound: {allow_private: [127.0.0.1]}\n", ""))
    for url in ("http://169.254.169.254/latest/", "http://127.0.0.1/x", "http://[::ffff:10.0.0.1]/x"):
        code, out, _ = await run("link", "alice", "ics", "--url", url, "--json")
        assert code == 1 and json.loads(out)["report"]["state"] == "refused"
    assert json.loads((await run("links", "--json"))[1]) == []
