"""A rolling restart under load: one process ends, the next starts on its database and ports, no lamp is lost."""

import asyncio
import signal
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.on_record import OnRecord
from tests.crash.run import SETTINGS, CrashRun
from tests.crash.watchers import Watcher
from tests.support.callers import UDP, Callers
from tests.support.served import Served


@pytest.mark.slow
async def test_rolling_restarts_lose_nothing_and_tell_only_what_is_new(tmp_path: Path) -> None:
    run = CrashRun(tmp_path, 5)
    await run.open()
    try:
        for _ in range(4):
            await run.kill_once(signal.SIGTERM)
        report = run.finish(0)
    finally:
        await run.close()
    assert not report.faults, str(report)
    assert report.quiet_dialogs_told_again == 0 < report.quiet_dialogs_carried_over


async def test_deactivated_watchers_are_told_by_the_real_service_which_tells_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        served = Served(tmp_path, SETTINGS + "shutdown: {watchers: deactivated}\n")
        await served.start()
        callers = await Callers.open(served.address)
        try:
            watcher = Watcher(callers, "w", "sip:alice@example.org", UDP)
            await watcher.subscribe()
            assert watcher.subscribed
            async with asyncio.timeout(30):
                while watcher.body is None:
                    await asyncio.sleep(0.01)
            assert await served.end(signal.SIGTERM) == 0
            assert not watcher.subscribed, "the last NOTIFY ended it"
            assert (manager.recv(100), manager.recv(100)) == (b"READY=1", b"STOPPING=1")
        finally:
            callers.close()
            await served.end()


async def on_record(served: Served, presentity: str) -> None:
    """Wait until the database says that somebody knows the state."""
    async with asyncio.timeout(30):
        with closing(sqlite3.connect(served.database)) as database:
            while not database.execute("SELECT 1 FROM told WHERE presentity = ?", (presentity,)).fetchone():
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
async def test_a_person_who_is_decided_again_as_before_is_no_news(
    tmp_path: Path, number: signal.Signals
) -> None:
    served = Served(tmp_path, SETTINGS)
    await served.start()
    callers = await Callers.open(served.address)
    watcher = Watcher(callers, "w", "sip:alice@example.org", UDP)

    async def shown(note: bytes) -> None:
        async with asyncio.timeout(30):
            while note not in (watcher.body or b""):
                await asyncio.sleep(0.01)

    try:
        assert (await served.ask("POST", "/v1/people/alice/choice", {"text": "dnd"}))[0] == 200
        await watcher.subscribe()
        await shown(b"Do not disturb")
        await on_record(served, "sip:alice@example.org")
        before = watcher.notifies
        await served.end(number)
        believed_until = OnRecord.left_in(served.database).believed_until
        await served.start()
        slow = time.time() > believed_until
        assert (await served.ask("POST", "/v1/people/alice/choice", {"text": "lunch"}))[0] == 200
        await shown(b"At lunch")
        assert watcher.notifies == before + 1 or slow
    finally:
        callers.close()
        await served.end()
