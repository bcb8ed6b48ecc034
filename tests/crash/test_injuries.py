"""The real service with a database that takes no writes: full disk, locked by a copy by hand, only to be read.

Whoever watches goes on being served, health says what is wrong, and afterwards everything is as before.
"""

import asyncio
import re
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.load import Pace, Source
from tests.crash.run import SETTINGS
from tests.crash.watchers import Watcher
from tests.support.callers import UDP, Callers
from tests.support.phone import document
from tests.support.served import Served

PATIENCE = 90.0
"Real seconds for what takes the service about fifteen."
RULES = """
version: 1
rules:
  - name: what I chose myself wins
    when: {manual: set}
    then: {state: "{manual.state}", note: "NOTE"}
"""


@contextmanager
def full_disk(served: Served) -> Iterator[None]:
    """No file of it may grow beyond what its log may need: for SQLite that is a disk without room."""
    limits = resource.prlimit(served.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked(served: Served) -> Iterator[None]:
    with closing(sqlite3.connect(served.folder / "lamplighter.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.rollback()


@contextmanager
def unwritable(served: Served) -> Iterator[None]:
    """Every table refuses rows, as a file system that was mounted again for reading would."""
    with closing(
        sqlite3.connect(served.folder / "lamplighter.db", isolation_level=None, timeout=30)
    ) as other:
        tables = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        other.execute("BEGIN IMMEDIATE")
        for table in tables:
            refusal = "BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
            other.execute(f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} {refusal}")
        other.execute("COMMIT")
        yield
        other.execute("BEGIN IMMEDIATE")
        for table in tables:
            other.execute(f"DROP TRIGGER no_{table}")
        other.execute("COMMIT")


Injury = Callable[[Served], AbstractContextManager[None]]


@dataclass
class Scene:
    served: Served
    callers: Callers

    async def health(self) -> int:
        return (await self.served.scrape("/healthz"))[0]

    async def available(self) -> float:
        _, text = await self.served.scrape("/metrics")
        found = re.search(r"^lamplighter_store_available ([\d.]+)$", text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    async def decide(self, note: str) -> None:
        """The rules say something else from now on."""
        _write_rules(self.served.folder, note)
        assert (await self.served.ask("POST", "/v1/reload"))[0] == 200

    async def choose(self, state: str) -> int:
        return (await self.served.ask("POST", "/v1/people/alice/choice", {"text": state}))[0]

    async def publish_once(self) -> int:
        answer = await self.callers.ask(
            "PUBLISH", "sip:new@example.org", UDP, user="new", call_id=self.callers.unique("n"), cseq=1,
            headers=[("Event", "presence"), ("Content-Type", "application/pidf+xml")], body=document("new"),
        )  # fmt: skip
        return answer.status if answer is not None else 0


def _write_rules(folder: Path, note: str) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("NOTE", note))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    _write_rules(tmp_path, "as always")
    served = Served(tmp_path, f"{SETTINGS}rules: rules.yaml\n")
    await served.start()
    callers = await Callers.open(served.address)
    yield Scene(served, callers)
    callers.close()
    await served.end()


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                outcome = condition()
                if asyncio.iscoroutine(outcome):
                    outcome = await outcome
                if outcome:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"it never happened that {what}") from None


@pytest.mark.slow
@pytest.mark.parametrize("injury", [full_disk, locked, unwritable], ids=lambda injury: injury.__name__)
async def test_it_lives_from_memory_says_so_and_recovers(scene: Scene, injury: Injury) -> None:
    served, callers = scene.served, scene.callers
    pace = Pace()
    source = Source(callers, pace, "s", UDP)
    await source.publish()
    kept = source.acknowledged
    assert kept is not None and await scene.choose("dnd") == 200
    lamp = Watcher(callers, "lamp", "sip:alice@example.org", UDP, "presence", pace.faults)
    for watcher in (*source.watchers, lamp):
        await watcher.subscribe()
    await until(lambda: b"as always" in (lamp.body or b""), "the choice is shown")

    with injury(served):
        await until(lambda: _is(scene.health(), 503), "health says that something is wrong")
        assert await scene.available() == 0.0
        assert await scene.publish_once() == 503, "nothing is promised that could be lost"
        assert await scene.choose("lunch") == 503
        for watcher in source.watchers:
            await watcher.refresh()
            assert watcher.subscribed, "a refresh is granted what is on record"
        await scene.decide("in spite of all")
        await until(lambda: b"in spite of all" in (lamp.body or b""), "what the rules say now is shown")
        assert await source.watchers[1].fetch() is not None
    await until(lambda: _is(scene.health(), 200), "all is well again")
    assert await scene.available() == 1.0

    assert await scene.publish_once() == 200 and await scene.choose("lunch") == 200
    await scene.decide("as before")
    await until(lambda: b"as before" in (lamp.body or b""), "what the rules say then is shown")
    truth = await source.watchers[1].fetch()
    assert truth is not None and kept.encode() in truth
    await source.publish()
    assert source.acknowledged != kept, "its entity-tag is as valid as before"
    await until(
        lambda: (source.acknowledged or "").encode() in (source.watchers[0].body or b""),
        "its change is shown",
    )
    assert not pace.faults
    assert "nothing can be made durable" in served.log and "takes writes again" in served.log
    assert "Traceback" not in served.log


async def _is(asked: object, expected: int) -> bool:
    return await asked == expected  # type: ignore[misc]
