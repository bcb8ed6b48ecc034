"""`status` and `explain` ask a running service, as they are typed; without one they say what to do."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.app import open_app
from agent.cli.main import main
from agent.cli.serve import control_path
from agent.clock import SystemClock
from agent.settings import load_settings

SETTINGS = """
domains: [example.org]
rules: rules.yaml
authentication: "off"
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {port: 0}
store: {url: "memory:"}
people:
  alice: {sip: "sip:alice@example.org", name: Alice}
"""
RULES = """
version: 1
rules:
  - name: always here
    then: {state: available, note: at her desk}
"""


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def service(settings_file: Path) -> Iterator[Path]:
    """The whole service in a thread of its own."""
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        settings = load_settings(settings_file, {})
        async with open_app(settings, SystemClock(), control_path=control_path(settings_file)) as app:
            while app.decider.current("alice") is None:
                await asyncio.sleep(0.01)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield settings_file
    stop.set()
    thread.join(20)


def test_status_names_everybody_and_the_rule(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "status", "--settings", service)
    assert code == 0
    assert "Alice" in out and "available" in out and "at her desk" in out
    code, out, _ = run(capsys, "status", "--settings", service, "--json")
    told = json.loads(out)
    assert told["people"][0]["rule"] == "always here"
    assert told["links"] == []


def test_explain_says_why(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "explain", "alice", "--settings", service)
    assert code == 0
    assert "always here" in out and "Alice" in out
    code, out, _ = run(capsys, "explain", "alice", "--settings", service, "--json")
    assert json.loads(out)["because"]["state"] == "always here"


def test_explain_at_another_moment(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "explain", "alice", "--at", "2030-01-01T10:00", "--settings", service, "--json"
    )
    assert code == 0
    assert json.loads(out)["at"].startswith("2030-01-01")
    code, _, err = run(capsys, "explain", "alice", "--at", "soon", "--settings", service)
    assert code == 2 and "2026-03-02T10:21" in err


def test_nobody_of_that_name(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "explain", "zoe", "--settings", service)
    assert code == 1 and "zoe" in err and "Traceback" not in err


def test_the_control_socket_is_for_its_owner_only(service: Path) -> None:
    assert control_path(service).stat().st_mode & 0o077 == 0


def test_without_a_service_the_command_says_how_to_start_one(
    settings_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["status"], ["explain", "alice"]):
        code, _, err = run(capsys, *words, "--settings", settings_file)
        assert code == 3
        assert "lamplighter serve --settings" in err
