"""Kill the service under load, start it again, and see whether everything that was promised holds."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tests.crash.load import Pace, Person, Registrant, Source
from tests.crash.on_record import OnRecord
from tests.crash.watchers import Watcher
from tests.support.callers import TCP, UDP, Callers
from tests.support.served import PATIENCE, Served

SETTINGS = """
domains: [example.org]
authentication: {mode: "off"}
notify: {minimum_interval: 0s}
people:
  alice: {sip: "sip:alice@example.org"}
  bob: {sip: "sip:bob@example.org"}
"""
STUCK_AFTER = 40.0
"Seconds without any NOTIFY, longer than a transaction lasts, after which a watcher that is wrong will stay so."
ALSO_AT_THE_START = 0.15
"How often the next start is killed too."


@dataclass
class Report:
    kills: int = 0
    killed_while_starting: int = 0
    seed: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    "Promises by kind."
    notifies: int = 0
    dialogs_carried_over: int = 0
    "Subscriptions that were alive at a kill, summed over the kills."
    quiet_dialogs_carried_over: int = 0
    "Of these, watchers of somebody who had not changed whose knowledge was on record, over starts that believe it."
    quiet_dialogs_told_again: int = 0
    "NOTIFYs to them."
    slowest_start: float = 0.0
    slowest_settling: float = 0.0
    "Seconds from the first answer after a start until every watcher showed what is true."
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        promises = ", ".join(f"{count} {what}" for what, count in sorted(self.answered.items()))
        lines = (
            f"{self.kills} times killed under load, {self.killed_while_starting} of them while starting "
            f"(seed {self.seed}), in {self.seconds:.0f} s",
            f"promised meanwhile: {promises}",
            f"{self.dialogs_carried_over} subscriptions carried over a kill, {self.notifies} NOTIFYs checked",
            f"watchers who were on record as knowing what had not changed: {self.quiet_dialogs_carried_over} carried "
            f"over, {self.quiet_dialogs_told_again} told again",
            f"slowest start {self.slowest_start:.1f} s, slowest settling {self.slowest_settling:.1f} s",
            "nothing lost, no number went back, nobody left with a wrong state"
            if not self.faults
            else "\n".join((f"{len(self.faults)} FAULTS", *self.faults[:50])),
        )
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "crash.json").write_text(json.dumps(asdict(self), indent=1) + "\n")
        (folder / "crash.txt").write_text(f"{self}\n")


class CrashRun:
    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        sources: int = 8,
        quiet: int = 4,
        settings: str = SETTINGS,
        stuck_after: float = STUCK_AFTER,
    ) -> None:
        self.random = Random(seed)
        self.report = Report(seed=seed)
        self.served = Served(folder, settings)
        self._sizes = sources, quiet
        self._stuck_after = stuck_after
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        await self.served.start()
        self.callers = await Callers.open(self.served.address)
        await self.callers.until_up()
        self.pace = Pace(faults=self.report.faults)
        changing, quiet = self._sizes
        self.sources = [
            Source(self.callers, self.pace, f"s{number}", (UDP, TCP)[number % 2])
            for number in range(changing)
        ]
        self.quiet = [Source(self.callers, self.pace, f"q{number}", UDP) for number in range(quiet)]
        self.registrants = [Registrant(self.callers, self.pace, f"r{number}") for number in range(3)]
        self.people = [Person(self.served, self.pace, key) for key in ("alice", "bob")]
        self.lamps = [
            Watcher(
                self.callers,
                f"l-{key}-{transport}",
                f"sip:{key}@example.org",
                transport,
                package,
                self.pace.faults,
            )
            for key in ("alice", "bob")
            for transport, package in ((UDP, "dialog"), (TCP, "presence"))
        ]
        for source in self.quiet:
            await source.publish()
            for watcher in source.watchers:
                await watcher.subscribe()
        for lamp in self.lamps:
            await lamp.subscribe()
        async with asyncio.timeout(PATIENCE):
            while len(self._on_record(OnRecord.of(self.served.database))) < len(self._quiet_watchers()):
                await asyncio.sleep(0.5)
        self._work(*(source.publish for source in self.sources), most=0.05)
        self._work(
            *(self._watching(source, number) for source in self.sources for number in range(3)), most=0.4
        )
        self._work(*(one.register for one in self.registrants), most=0.2)
        self._work(*(self._choosing(person) for person in self.people), most=0.3)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.callers.close()
        await self.served.end(signal.SIGTERM)

    # -- the load ------------------------------------------------------------------------------------------------

    def _work(self, *jobs: Callable[[], Awaitable[None]], most: float) -> None:
        """Do each again and again while the pace allows, with up to ``most`` seconds between."""

        async def work(job: Callable[[], Awaitable[None]]) -> None:
            while True:
                await self.pace.open.wait()
                self.pace.under_way += 1
                try:
                    await job()
                finally:
                    self.pace.under_way -= 1
                await asyncio.sleep(self.random.uniform(0, most))

        self._tasks += [asyncio.get_running_loop().create_task(work(job)) for job in jobs]

    def _watching(self, source: Source, number: int) -> Callable[[], Awaitable[None]]:
        async def watch() -> None:
            watcher = source.watchers[number]
            if not watcher.subscribed:
                await watcher.subscribe()
                if watcher.subscribed:
                    self.pace.count("SUBSCRIBE")
            elif self.random.random() < 0.15:
                await watcher.unsubscribe()
            elif self.random.random() < 0.5:
                await watcher.refresh()
                self.pace.count("refresh")

        return watch

    def _choosing(self, person: Person) -> Callable[[], Awaitable[None]]:
        async def choose() -> None:
            if self.random.random() < 0.2:
                await person.add_user()
            else:
                await person.choose(self.random)

        return choose

    # -- death and resurrection ----------------------------------------------------------------------------------

    async def kill_once(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Load for a moment, kill (or end), start, settle, check."""
        self.pace.open.set()
        await asyncio.sleep(self.random.uniform(0.02, 1.0))
        alive = [watcher for watcher in self._watchers() if watcher.subscribed]
        await self._kill(number)
        self.report.dialogs_carried_over += len(alive)
        started = time.monotonic()
        if number is signal.SIGKILL and self.random.random() < ALSO_AT_THE_START:
            self.served.launch()
            await asyncio.sleep(self.random.uniform(0, max(0.5, self.report.slowest_start)))
            await self._kill(number)
            self.report.killed_while_starting += 1
            started = time.monotonic()
        record, repeated = OnRecord.left_in(self.served.database), self._repeated()
        self.served.launch()
        await self.callers.until_up()
        up = time.monotonic()
        believed = self._on_record(record) if time.time() < record.believed_until else []
        self.report.slowest_start = max(self.report.slowest_start, up - started)
        await self.served.ready()
        while self.pace.under_way:
            await asyncio.sleep(0.02)
        await self._settle()
        self.report.slowest_settling = max(self.report.slowest_settling, time.monotonic() - up)
        self.report.quiet_dialogs_carried_over += len(believed)
        self.report.quiet_dialogs_told_again += sum(
            self._repeated()[name] - repeated[name] for name in believed
        )
        for job in (*self.registrants, *self.people):
            await job.check()
        await self._leave_spoilt_addresses()
        self.report.answered = dict(self.pace.answered)

    async def _kill(self, number: signal.Signals) -> None:
        self.pace.killed += 1
        self.report.kills += 1
        os.kill(self.served.pid, number)
        self.pace.open.clear()
        await self.served.end(number)

    async def _settle(self) -> None:
        """Wait until everybody shows what is true. It is a fault if they don't and nothing moves any more, although
        whoever asks is answered; how long all of it takes says only how busy the machine is."""
        seen: tuple[list[str], int] | None = None
        moved = time.monotonic()
        while wrong := await self._wrong():
            state = (wrong, sum(watcher.notifies for watcher in self._watchers()))
            if state != seen:
                seen, moved = state, time.monotonic()
            elif time.monotonic() > moved + self._stuck_after:
                self.report.faults.extend(f"{text} (after {self.report.kills} kills)" for text in wrong)
                return
            await asyncio.sleep(0.1)

    async def _wrong(self) -> list[str]:
        found = []
        for watcher in self._watchers():
            if watcher.subscribed and watcher.unsure:
                # As a user agent would: whether more NOTIFYs are owed to it is not known before.
                await watcher.unsubscribe()
                if watcher.subscribed:
                    found.append(f"{watcher.name}: nobody says whether its subscription has ended")
        for source in (*self.sources, *self.quiet):
            truth = {watcher.package: await watcher.fetch() for watcher in source.watchers[1:]}
            body = truth["presence"]
            if body is None:
                found.append(f"{source.uri}: nothing was heard")
            elif (problem := source.judged(body)) is not None:
                found.append(problem)
            found += [
                f"{watcher.name} over {watcher.transport} shows of {watcher.uri} what is not true"
                for watcher in source.watchers
                if watcher.subscribed and watcher.body != truth[watcher.package]
            ]
        for lamp in self.lamps:
            if lamp.subscribed and lamp.body != await lamp.fetch():
                found.append(f"{lamp.name} shows what is not true")
        return found

    async def _leave_spoilt_addresses(self) -> None:
        for source in self.sources:
            if source.is_spoilt:
                for watcher in source.watchers:
                    if watcher.subscribed:
                        await watcher.unsubscribe()
                    watcher.forget()
                self.report.notifies += sum(watcher.notifies for watcher in source.watchers)
                source.move()

    def _on_record(self, record: OnRecord) -> list[str]:
        """Names of quiet watchers: of whom it is on record what they and all others at their address know."""
        quiet = [source for source in self.quiet if record.knowing.get(source.uri) == len(source.watchers)]
        return [watcher.name for source in quiet for watcher in source.watchers]

    def _repeated(self) -> dict[str, int]:
        return {watcher.name: watcher.repeated for watcher in self._quiet_watchers()}

    def _quiet_watchers(self) -> list[Watcher]:
        """Of those who have not changed."""
        return [watcher for source in self.quiet for watcher in source.watchers]

    def _watchers(self) -> list[Watcher]:
        moving = [watcher for source in self.sources for watcher in source.watchers]
        return [*moving, *self._quiet_watchers(), *self.lamps]

    def finish(self, seconds: float) -> Report:
        self.report.seconds = seconds
        self.report.notifies += sum(watcher.notifies for watcher in self._watchers())
        if "Traceback" in self.served.log:
            self.report.faults.append("a traceback is in the service's log")
        return self.report


async def crash(
    folder: Path, kills: int, seed: int, progress: Callable[[Report], None] = lambda report: None
) -> Report:
    """At least so many kills, in one long life of clients."""
    run = CrashRun(folder, seed)
    begun = time.monotonic()
    await run.open()
    try:
        while run.report.kills < kills:
            await run.kill_once()
            run.report.seconds = time.monotonic() - begun
            progress(run.report)
        return run.finish(time.monotonic() - begun)
    finally:
        await run.close()
