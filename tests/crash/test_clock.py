"""The clock of a real process jumps two hours, forth and back: what was granted lasts, and ends in time."""

import asyncio
import os
import re
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from agent.sip.messages import Response
from tests.crash.load import Pace, Registrant, Source
from tests.crash.run import SETTINGS
from tests.crash.scene import until
from tests.crash.watchers import Watcher
from tests.support.callers import UDP, Callers
from tests.support.phone import document
from tests.support.served import Served

HOURS = 7200
SHORT = 8
"Seconds granted to what has to end while the test watches."
LATE = 4.0
"Seconds that a busy machine may take for it."
BRIEFLY = "limits: {publish: {minimum: 1s}, subscribe: {minimum: 1s}, registration: {minimum: 1s}}\n"
BRIEF, CONTACT = "sip:brief@example.org", "sip:brief@192.0.2.9"
NOTE = b"back at once"
LIBRARY = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "faketime" / "libfaketimeMT.so.1"


class WallClock:
    """Of one process, by libfaketime: it reads the file each time it is asked. Its timers go on as always."""

    def __init__(self, file: Path) -> None:
        assert LIBRARY.exists(), "libfaketime is not installed; deploy/install-test-packages brings it"
        self._file = file
        self.ahead = 0
        self.set(0)

    def set(self, seconds: int) -> None:
        """As far from the true time; a reader sees the old one or the new one."""
        self.ahead = seconds
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Otherwise threads that wait for the interpreter's lock with a timeout don't wait at all, and keep the
            # processor busy.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }


class Life:
    """What was granted for an hour, and what was granted for a few seconds."""

    def __init__(self, callers: Callers) -> None:
        self.callers = callers
        self.pace = Pace()
        faults = self.pace.faults
        self.source = Source(callers, self.pace, "s", UDP)
        self.registrant = Registrant(callers, self.pace, "r")
        self.of_brief = Watcher(callers, "b", BRIEF, UDP, faults=faults)
        "Of somebody whose publication ends while we watch."
        self.brief = Watcher(callers, "e", self.source.uri, UDP, faults=faults, lifetime=SHORT)
        self.lasting = [*self.source.watchers, self.of_brief]

    async def begin(self) -> None:
        await self.source.publish()
        await self.registrant.register()
        for watcher in self.lasting:
            await watcher.subscribe()
        self.begun = time.monotonic()
        headers = [("Event", "presence"), ("Expires", str(SHORT)), ("Content-Type", "application/pidf+xml")]
        assert await self._ask("PUBLISH", BRIEF, headers, document(NOTE.decode())) is not None
        assert CONTACT in await self.bindings(f"<{CONTACT}>;expires={SHORT}")
        await self.brief.subscribe()
        self.granted = time.monotonic()
        assert self.brief.subscribed
        await until(lambda: all(each.body for each in (*self.lasting, self.brief)), "all have heard")
        await until(lambda: NOTE in (self.of_brief.body or b""), "the brief publication is shown")

    async def refresh(self) -> None:
        """What was granted holds, and is granted again."""
        for watcher in self.lasting:
            await watcher.refresh()
            assert watcher.subscribed
        await self.source.publish()
        await self.registrant.check()
        for watcher in self.source.watchers[:2]:
            await until(
                lambda each=watcher: self.source.judged(each.body or b"") is None, "the truth is shown"
            )
        truth = await self.source.watchers[0].fetch()
        assert truth is not None and self.source.judged(truth) is None
        assert self.source.etag is not None and not self.pace.faults

    def is_on(self) -> bool:
        """Whether what is brief is still shown."""
        return self.brief.subscribed and NOTE in (self.of_brief.body or b"")

    async def ends_in_time(self) -> None:
        ended = [asyncio.ensure_future(self._when(what)) for what in (self._unpublished, self._unsubscribed)]
        for moment in await asyncio.gather(*ended):
            assert moment - self.begun >= SHORT and moment - self.granted < SHORT + LATE

    async def _when(self, what: Callable[[], bool]) -> float:
        await until(what, what.__name__)
        return time.monotonic()

    def _unpublished(self) -> bool:
        return NOTE not in (self.of_brief.body or NOTE)

    def _unsubscribed(self) -> bool:
        return not self.brief.subscribed

    async def bindings(self, contact: str | None = None) -> str:
        """Of the phone that registers once only."""
        headers = [("Contact", contact)] if contact else []
        answer = await self._ask("REGISTER", "sip:example.org", headers)
        return " ".join(answer.headers.values("Contact"))

    async def _ask(
        self, method: str, uri: str, headers: list[tuple[str, str]], body: bytes = b""
    ) -> Response:
        answer = await self.callers.ask(
            method, uri, UDP, user="brief", to=BRIEF, call_id=self.callers.unique("c"), cseq=1,
            headers=headers, body=body, contact=False,
        )  # fmt: skip
        assert answer is not None and answer.status == 200
        return answer


@asynccontextmanager
async def living(folder: Path) -> AsyncIterator[tuple[WallClock, Served, Life]]:
    wall = WallClock(folder / "clock")
    served = Served(folder, SETTINGS + BRIEFLY, environment=wall.environment)
    callers = await Callers.open(served.address)
    try:
        await served.start()
        life = Life(callers)
        await life.begin()
        yield wall, served, life
        assert "Traceback" not in served.log
    finally:
        callers.close()
        await served.end()


def was_set_by(served: Served) -> list[int]:
    """Seconds that the log tells, each to the nearest of those that we set."""
    told = re.findall(r"the clock was set by ([+-]\d+) seconds", served.log)
    return [round(int(seconds) / HOURS) * HOURS for seconds in told]


def remaining(database: Path, wall: WallClock) -> list[float]:
    """Seconds that everything on record has left by that clock."""
    with closing(sqlite3.connect(database)) as connection:
        return [
            row[0] - time.time() - wall.ahead
            for table in ("publications", "subscriptions", "bindings")
            for row in connection.execute(f"SELECT expires_at FROM {table}")
        ]


@pytest.mark.slow
@pytest.mark.parametrize("hours", [HOURS, -HOURS], ids=["forth and back", "back and forth"])
async def test_what_was_granted_lasts_and_ends_in_time(tmp_path: Path, hours: int) -> None:
    async with living(tmp_path) as (wall, served, life):
        wall.set(hours)
        await life.refresh()
        assert was_set_by(served) == [hours] and life.is_on()
        wall.set(-hours)
        await life.refresh()
        assert was_set_by(served) == [hours, -2 * hours] and life.is_on()
        assert CONTACT in await life.bindings()
        await life.ends_in_time()
        assert CONTACT not in await life.bindings()
        left = remaining(served.database, wall)
        own = 2  # publications, of the people in the settings
        assert len(left) == 1 + len(life.lasting) + 1 + own and all(3500 < each <= 3601 for each in left)

        assert not any(watcher.repeated for watcher in life.lasting), "nobody is told without need"
        await served.end(signal.SIGKILL)
        await served.start()
        await life.refresh()
        assert NOTE not in (await life.of_brief.fetch() or NOTE)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [HOURS, -HOURS], ids=["forth", "back"])
async def test_it_sees_by_itself_that_the_clock_was_set_and_may_be_killed_then(
    tmp_path: Path, hours: int
) -> None:
    async with living(tmp_path) as (wall, served, life):
        wall.set(hours)
        await life.ends_in_time()
        assert was_set_by(served) == [hours]
        assert not any(watcher.repeated for watcher in life.lasting), "nobody is told without need"
        await served.end(signal.SIGKILL)
        await served.start()
        await life.refresh()
        assert NOTE not in (await life.of_brief.fetch() or NOTE)
