"""Looks, and reports what is worth it, until told to stop."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from agent.device import activitywatch, linux, macos, windows
from agent.device.programs import Run, run
from agent.device.reports import Reports
from agent.device.service import Away, Refused
from agent.device.use import Source, Use, together

LONGEST_WAIT = 300.0
"Seconds between tries while nobody answers."


class Clock(Protocol):
    """`agent.clock.Clock`."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...

    def now(self) -> datetime: ...


def sources(
    environ: dict[str, str], clock: Clock, platform: str = sys.platform, call: Run = run
) -> list[Source]:
    """Every way to look on such a system."""
    found: list[Source] = []
    if platform == "win32":
        found.append(windows.LastInput())
    elif platform == "darwin":
        found.append(macos.IoRegistry(call))
    else:
        found += [
            linux.X11(environ),
            linux.Mutter(call),
            linux.SwayIdle(environ, clock.monotonic),
            linux.Logind(call, environ, clock.wall),
        ]
    found.append(activitywatch.ActivityWatch(clock.now, environ.get("AW_SERVER", activitywatch.ADDRESS)))
    return found


def look(ways: Sequence[Source]) -> tuple[Use, tuple[str, ...]]:
    """What all ways together show, and which of them showed anything."""
    seen = {way.name: use for way in ways if (use := way.look()) is not None}
    return together(list(seen.values())), tuple(seen)


def report_for_good(
    ways: Sequence[Source],
    reports: Reports,
    send: Callable[[dict[str, object]], None],
    device: str,
    clock: Clock,
    wait: Callable[[float], bool],
    tell: Callable[[str], None],
) -> bool:
    """``send`` raises Refused and Away. ``wait(seconds)`` is True when it is time to stop. ``tell`` takes a line for
    the log. True: stopped as wanted. False: the service does not take our reports any more.
    """
    failures = 0
    while True:
        use, _ = look(ways)
        now = clock.monotonic()
        pause = reports.next_look(use)
        report = reports.due(use, now)
        if report is not None:
            try:
                send(report.as_json(device, reports.every))
            except Refused:
                tell("the service does not know this computer any more: enroll it again")
                return False
            except Away as error:
                failures += 1
                pause = min(LONGEST_WAIT, 5.0 * 2 ** min(failures - 1, 10))
                if failures == 1:
                    tell(f"{error}; tried again")
            else:
                if failures:
                    tell("the service answers again")
                failures = 0
                reports.sent(report, now)
        if wait(pause):
            return True
