"""The real service in a process of its own: reload by signal, choices that survive `kill -9`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """
domains: [example.org]
authentication: {mode: "off"}
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
people:
  alice: {sip: "sip:alice@example.org", name: Alice}
"""
PATIENCE = 30.0
"Real seconds that a start or a reload may take on a loaded machine."


def lamplighter(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *words, "--settings", str(folder / "lamplighter.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def board(folder: Path) -> dict[str, Any]:
    """Everybody by key; empty while no service answers."""
    asked = lamplighter(folder, "status", "--json")
    return {row["person"]: row for row in json.loads(asked.stdout)["people"]} if asked.returncode == 0 else {}


class Service:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [
                sys.executable,
                "-m",
                "agent",
                "serve",
                "--settings",
                str(self.folder / "lamplighter.yaml"),
            ]
            self.process = subprocess.Popen(command, stderr=log)
        self.until(lambda: board(self.folder))

    def until(self, condition: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, (self.folder / "log").read_text()
            assert self.process is not None and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def end(self, number: signal.Signals) -> None:
        if self.process is not None:
            os.kill(self.process.pid, number)
            self.process.wait(PATIENCE)
            self.process = None


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "lamplighter.yaml").write_text(SETTINGS)
    made = Service(tmp_path)
    made.start()
    yield made
    made.end(signal.SIGTERM)


def test_a_choice_survives_the_death_of_the_service(service: Service) -> None:
    chosen = lamplighter(service.folder, "choose", "alice", "dnd 2h: writing")
    assert chosen.returncode == 0, chosen.stderr
    assert chosen.stdout.startswith("Alice is shown as dnd until ") and '"writing"' in chosen.stdout
    service.end(signal.SIGKILL)
    service.start()
    row = board(service.folder)["alice"]
    assert (row["state"], row["note"], row["lamp"]) == ("dnd", "writing", "lit")
    back = lamplighter(service.folder, "choose", "alice", "auto", "--json")
    assert json.loads(back.stdout)["chosen"] is None
    service.until(lambda: board(service.folder)["alice"]["state"] == "unknown")
    wrong = lamplighter(service.folder, "choose", "alice", "lunhc")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "did you mean `lunch`?" in wrong.stderr


def test_settings_are_read_again_at_a_signal_on_demand_and_by_themselves(service: Service) -> None:
    assert service.process is not None
    settings = service.folder / "lamplighter.yaml"
    settings.write_text(SETTINGS + '  bob: {sip: "sip:bob@example.org"}\n')
    os.kill(service.process.pid, signal.SIGHUP)
    service.until(lambda: set(board(service.folder)) == {"alice", "bob"})
    settings.write_text(SETTINGS + '  bob: {sipp: "sip:bob@example.org"}\n')
    refused = lamplighter(service.folder, "reload")
    assert refused.returncode == 1
    assert "lamplighter.yaml:8:9: unknown key `sipp` (did you mean `sip`?)" in refused.stderr
    assert set(board(service.folder)) == {"alice", "bob"}
    settings.write_text(SETTINGS.replace("port: 0", "port: 1"))
    service.until(lambda: set(board(service.folder)) == {"alice"})
    told = lamplighter(service.folder, "reload")
    assert told.returncode == 0, told.stderr
    assert "`listeners` has changed, but only a restart puts it in force" in told.stdout
    assert "Traceback" not in (service.folder / "log").read_text()
