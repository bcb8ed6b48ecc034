"""A rolling restart under load: one process ends, the next starts on its database and ports, no lamp is lost."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest

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
