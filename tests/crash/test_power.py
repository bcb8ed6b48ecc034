"""Loss of power: with `durability: power`, what a 200 promises is on the disk before the 200 leaves the process.

The disk is rebuilt from what the kernel was asked to do, so it holds nothing that no fsync has brought there.
"""

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from agent.sip.messages import Response
from agent.sip.parsing import parse_datagram
from tests.crash import strace
from tests.crash.disk import Disk
from tests.crash.load import Pace, Person, Registrant, Source
from tests.crash.run import SETTINGS
from tests.crash.watchers import Watcher
from tests.support.callers import UDP, Callers
from tests.support.served import PATIENCE, Served

PROMISES = ("PUBLISH", "SUBSCRIBE", "REGISTER")


def promises(trace: Path, disk: Disk) -> Iterator[Response]:
    """Each 200 to a request that changes something, while ``disk`` is as it was when the kernel was given that 200."""
    for event in strace.events(trace):
        if isinstance(event, strace.Sent) and event.data.startswith(b"SIP/2.0 200 "):
            answer = parse_datagram(event.data)
            if isinstance(answer, Response) and answer.cseq.method in PROMISES:
                yield answer
        else:
            disk.take(event)


def is_kept(answer: Response, folder: Path) -> bool:
    """Whether what it promises is in the database."""
    match answer.cseq.method:
        case "PUBLISH":
            table, condition = "publications", "entity_tag = ?"
            values: tuple[object, ...] = (answer.headers.get("SIP-ETag"),)
        case "SUBSCRIBE":
            table, condition = "subscriptions", "local_tag = ? AND remote_cseq >= ?"
            values = (answer.to.tag, answer.cseq.number)
        case _:
            table, condition = "bindings", "call_id = ? AND cseq >= ?"
            values = (answer.call_id, answer.cseq.number)
    with closing(sqlite3.connect(folder / "lamplighter.db")) as database:
        try:
            found = database.execute(f"SELECT count(*) FROM {table} WHERE {condition}", values).fetchone()
        except sqlite3.OperationalError:
            return False  # not even the tables are
        return bool(found[0])


def lay_down(files: dict[str, bytes], folder: Path) -> None:
    """As the only files of a database there."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("lamplighter.db*"):
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


class Load:
    """Bursts, so that many 200s share an fsync, and no 200 leaves with the one before it."""

    def __init__(self, served: Served, callers: Callers) -> None:
        self.pace = Pace()
        self.sources = [Source(callers, self.pace, f"s{number}", UDP) for number in range(6)]
        self.watchers = [
            Watcher(callers, f"w{number}", source.uri, UDP, faults=self.pace.faults)
            for number, source in enumerate(self.sources)
        ]
        self.registrants = [Registrant(callers, self.pace, f"r{number}") for number in range(3)]
        self.alice = Person(served, self.pace, "alice", chosen="dnd")

    async def publish(self) -> None:
        await asyncio.gather(*(source.publish() for source in self.sources))

    async def register(self) -> None:
        await asyncio.gather(*(one.register() for one in self.registrants))

    async def refresh(self) -> None:
        await asyncio.gather(*(watcher.refresh() for watcher in self.watchers))

    async def all_of_it(self) -> None:
        await self.publish()
        await asyncio.gather(*(watcher.subscribe() for watcher in self.watchers), self.register())
        status, _ = await self.alice.served.ask("POST", "/v1/people/alice/choice", {"text": "dnd"})
        assert status == 200
        await self.alice.add_user()
        await asyncio.gather(self.publish(), self.refresh())
        for source in self.sources:  # one at a time too
            await source.publish()
        await self.register()


@asynccontextmanager
async def traced(folder: Path, durability: str, trace: Path) -> AsyncIterator[tuple[Served, Load]]:
    """A service that has ended, all of whose promises were heard."""
    settings = f"{SETTINGS}store: {{durability: {durability}}}\n"
    served = Served(folder, settings, under=strace.under(trace))
    callers = await Callers.open(served.address)
    try:
        await served.start()
        load = Load(served, callers)
        await load.all_of_it()
        pid = served.pid
        # Cleanly: strace dies of the signal that its process died of, and of SIGKILL in the middle of a line. What is
        # looked at comes before the end.
        assert await served.end(signal.SIGTERM) == 0
        async with asyncio.timeout(PATIENCE):
            while not strace.is_complete(trace, pid):
                await asyncio.sleep(0.05)
        assert load.pace.answered == {"PUBLISH": 18, "REGISTER": 6, "user": 1}
        assert all(watcher.subscribed for watcher in load.watchers) and not load.pace.faults
        yield served, load
    finally:
        callers.close()
        await served.end(signal.SIGKILL)


@pytest.mark.slow
async def test_no_200_leaves_before_what_it_promises_is_on_the_disk(tmp_path: Path) -> None:
    trace, found = tmp_path / "trace", tmp_path / "found"
    async with traced(tmp_path, "power", trace) as (served, load):
        disk, seen = Disk(tmp_path, served.database.name), Counter[str]()
        for answer in promises(trace, disk):
            lay_down(disk.cut_power(), found)
            assert is_kept(answer, found), f"lost: {answer}"
            seen[answer.cseq.method] += 1
        assert seen == {"PUBLISH": 18, "SUBSCRIBE": 12, "REGISTER": 6}

        # The power fails as the last of them leaves; the machine starts again.
        lay_down(disk.cut_power(), tmp_path)
        served.under = ()
        await served.start()
        await asyncio.gather(load.publish(), load.refresh())
        assert load.pace.answered["PUBLISH"] == 24, "every entity-tag is valid"
        assert all(watcher.subscribed for watcher in load.watchers)
        for job in (*load.registrants, load.alice):
            await job.check()
        assert not load.pace.faults


@pytest.mark.slow
async def test_the_default_does_not_wait_for_the_disk_which_this_disk_shows(tmp_path: Path) -> None:
    trace, found = tmp_path / "trace", tmp_path / "found"
    async with traced(tmp_path, "process", trace) as (served, _):
        disk, seen = Disk(tmp_path, served.database.name), 0
        for answer in promises(trace, disk):
            lay_down(disk.cut_power(), found)
            assert not is_kept(answer, found)
            seen += 1
        assert seen == 36
