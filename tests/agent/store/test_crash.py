"""kill -9 at a random moment: what was acknowledged is there, and no number goes back."""

import json
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent.store.store import Store
from tests.support.clock import VirtualClock

ROOT = Path(__file__).parents[3]
KILLS = 8


def _run_and_kill(url: str, start: int, lines: int) -> list[dict[str, int | str]]:
    """Let it acknowledge about `lines` steps, kill it, return every whole line it had written."""
    command = [sys.executable, "-m", "tests.agent.store.crash_child", url, str(start)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
        errors = child.stderr.read()
    assert said[0], errors.decode()
    return [json.loads(line) for line in said if line.endswith(b"\n")]


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost(tmp_path: Path, clock: VirtualClock) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    rng = random.Random(4)
    acknowledged: dict[str, int] = {}
    highest: dict[str, tuple[int, int]] = {}
    last_change = 0
    for round_number in range(KILLS):
        start = max(acknowledged.values(), default=0) + 1000
        for line in _run_and_kill(url, start, rng.randrange(1, 1500)):
            writer, cseq, version = str(line["writer"]), int(line["cseq"]), int(line["version"])
            before = highest.get(writer, (0, -1))
            assert cseq > before[0] and version > before[1], f"{writer} went back in round {round_number}"
            highest[writer] = (cseq, version)
            acknowledged[writer] = int(line["step"])

        store = await Store.open(url, clock)
        for writer, step in acknowledged.items():
            published = next(
                row for row in store.publications("sip:alice@example.org", "presence") if row.id == writer
            )
            subscribed, chosen = store.subscription(writer), store.manual(writer)
            assert subscribed is not None and chosen is not None and chosen.state is not None
            # At most one step was under way when it died; a step is durable whole or not at all.
            assert step <= int(published.entity_tag) <= max(step + 1, start)
            assert published.body == published.entity_tag.encode() * 100
            assert subscribed.remote_cseq == int(published.entity_tag) == int(chosen.state)
        assert store.changes.last > last_change
        last_change = store.changes.last
        await store.close()
        with sqlite3.connect(tmp_path / "state.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
