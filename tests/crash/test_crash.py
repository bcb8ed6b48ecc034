"""The short form of `python -m tests.crash`: a service killed twenty times under load keeps every promise."""

from pathlib import Path

import pytest

from tests.crash.run import SETTINGS, CrashRun, crash


@pytest.mark.slow
async def test_every_promise_outlives_kill_9(tmp_path: Path) -> None:
    report = await crash(tmp_path, kills=20, seed=20)
    assert not report.faults, str(report)
    for what in ("PUBLISH", "SUBSCRIBE", "refresh", "REGISTER", "choice"):
        assert report.answered[what] > 0, "there was no such load"
    assert report.dialogs_carried_over > 200
    assert report.quiet_dialogs_told_again == 0, str(report)


@pytest.mark.slow
async def test_a_service_that_keeps_nothing_is_found_out(tmp_path: Path) -> None:
    settings = f'{SETTINGS}store: {{url: "memory:"}}\n'
    run = CrashRun(tmp_path, 1, quiet=0, settings=settings, stuck_after=1)
    await run.open()
    try:
        await run.kill_once()
        faults = "\n".join(run.finish(0).faults)
    finally:
        await run.close()
    assert "is lost" in faults and "shows" in faults
