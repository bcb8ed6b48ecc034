"""`lamplighter demo` as a newcomer runs it: processes of its own, real sockets, real time."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.demo.organisation import MEMBERS
from agent.demo.service import local_zone
from rules.files import load_file
from rules.testing import run_tests

DEMO = [sys.executable, "-m", "agent", "demo"]
BOARD = "Ctrl-C ends everything"


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo's temporary folder is made; its name is short enough for a socket file."""
    folder = Path(tempfile.mkdtemp(prefix="d"))
    yield folder
    shutil.rmtree(folder)


def gone(group: int) -> bool:
    """Whether no process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@contextmanager
def on_a_terminal(temporary: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The demo on a terminal of 100 columns and 40 lines, as the leader of a process group."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TMPDIR": str(temporary), "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        [*DEMO, *arguments], stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    )
    os.close(its)
    try:
        yield process, ours
    finally:
        os.close(ours)
        if not gone(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read_until(terminal: int, words: str, within: float = 60.0) -> str:
    """What the terminal has shown when ``words`` were there."""
    text, deadline = "", time.monotonic() + within
    while words not in text:
        assert time.monotonic() < deadline, text
        try:
            text += os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            pytest.fail(f"{words!r} never came: {text}")
    return text


def read_rest(terminal: int) -> str:
    text = ""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            return text
        if not chunk:
            return text
        text += chunk.decode("utf-8", "replace")


@pytest.mark.slow
def test_the_script_shows_every_transition_to_every_watcher_in_order(temporary: Path) -> None:
    keep = temporary / "kept"
    began = time.monotonic()
    process = subprocess.Popen(
        [*DEMO, "--script", "--keep", str(keep)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"COLUMNS": "140", "LAMPLIGHTER_DOMAINS": "of.another.service"},
    )
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert time.monotonic() - began < 60
    assert gone(process.pid)
    transitions = re.findall(
        r"^\d\d:\d\d:\d\d  (\w+) +(.+?) \((clock|CalDAV)\).*NOTIFY late by: (.+)$", text, re.M
    )
    assert [each[:2] for each in transitions] == [
        ("alice", "a meeting begins"),
        ("bob", "a meeting is added"),
        ("carol", "the meeting is cancelled"),
        ("dave", "the meeting is moved"),
        ("alice", "a meeting ends"),
        ("dave", "the moved meeting begins"),
        ("carol", "lunch begins"),
        ("alice", "an absence begins"),
    ]
    for name, _, cause, late in transitions:
        found = re.fullmatch(rf"reception (\d+(?:\.\d)?) (m?s), desk-{name} (\d+(?:\.\d)?) (m?s)", late)
        assert found is not None, late
        worst = max(float(found[at]) * (0.001 if found[at + 1] == "ms" else 1) for at in (1, 3))
        assert worst < (1.0 if cause == "clock" else 5.0)
    assert "Every watcher received every expected state, in order." in text
    log = (keep / "lamplighter.log").read_text(encoding="utf-8")
    assert "lamplighter is ready" in log and not re.search("ERROR|WARNING|Traceback", log), log
    assert (keep / "lamplighter.db").exists() and "authentication: 'off'" in (
        keep / "lamplighter.yaml"
    ).read_text()
    assert all(oct((keep / f"{member.key}.password").stat().st_mode)[-3:] == "600" for member in MEMBERS)


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [True, False], ids=["ctrl-c", "the demo alone"])
def test_an_interrupted_board_leaves_nothing_behind(temporary: Path, whole_group: bool) -> None:
    with on_a_terminal(temporary) as (process, terminal):
        shown = read_until(terminal, BOARD)
        assert "Your own softphone" in shown and "lamplighter-demo-" in shown
        assert list(temporary.iterdir())
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
        rest = read_rest(terminal)
        assert process.wait(20) == 0, rest
        assert gone(process.pid) and not list(temporary.iterdir())
        assert "Everything that was started has ended." in rest and "Traceback" not in rest


@pytest.mark.slow
def test_it_can_be_interrupted_while_it_starts_and_told_to_end_by_itself(temporary: Path) -> None:
    with on_a_terminal(temporary) as (process, terminal):
        read_until(terminal, "CalDAV server")
        os.kill(process.pid, signal.SIGTERM)
        rest = read_rest(terminal)
        assert process.wait(20) == 0, rest
        assert gone(process.pid) and not list(temporary.iterdir())
    picture = temporary / "board.svg"
    with on_a_terminal(temporary, "--seconds", "2", "--capture", str(picture)) as (process, terminal):
        rest = read_rest(terminal)
        assert process.wait(20) == 0, rest
        assert gone(process.pid) and list(temporary.iterdir()) == [picture]
    assert "Alice" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [("--script", "--seconds", "3"), ("--script", "--capture", "x.svg")])
def test_options_that_do_not_go_together(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2 and "--script ends by itself" in ended.stderr


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    ended = subprocess.run(
        [*DEMO, "--keep", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2 and "not an empty folder" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_tests_in_its_rules_pass() -> None:
    rules = Path(__file__).resolve().parents[3] / "agent" / "demo" / "rules.yaml"
    report = run_tests(load_file(rules))
    assert report.results and report.passed


def test_the_machines_time_zone_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    assert local_zone() == "Europe/Vienna"
    monkeypatch.setenv("TZ", "no such zone")
    assert local_zone()
