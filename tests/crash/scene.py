"""A service with watchers whose database is going to be hurt, and what must hold then."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

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

Injury = Callable[[Served], AbstractContextManager[None]]


class Scene:
    """Somebody publishes, others watch; the lamp shows what alice has chosen by hand."""

    def __init__(self, served: Served, callers: Callers) -> None:
        self.served = served
        self.callers = callers
        self._pace = Pace()
        self._source = Source(callers, self._pace, "s", UDP)
        self._lamp = Watcher(callers, "lamp", "sip:alice@example.org", UDP, "presence", self._pace.faults)

    async def begin(self) -> None:
        await self._source.publish()
        assert self._source.acknowledged is not None and await self.choose("dnd") == 200
        for watcher in (*self._source.watchers, self._lamp):
            await watcher.subscribe()
        await self._shown("as always")

    async def lives_from_memory(self) -> None:
        await until(lambda: _is(self.health(), 503), "health says that something is wrong")
        assert await self.available() == 0.0
        assert await self.publish_once() == 503, "nothing is promised that could be lost"
        assert await self.choose("lunch") == 503
        await self.is_refreshed()
        await self.decide("in spite of all")
        await self._shown("in spite of all")
        assert await self._source.watchers[1].fetch() is not None

    async def is_refreshed(self) -> None:
        for watcher in self._source.watchers:
            await watcher.refresh()
            assert watcher.subscribed, "a refresh is granted what is on record"

    async def is_as_before(self) -> None:
        kept, watchers = self._source.acknowledged or "", self._source.watchers
        assert await self.publish_once() == 200 and await self.choose("lunch") == 200
        await self.decide("as before")
        await self._shown("as before")
        truth = await watchers[1].fetch()
        assert truth is not None and kept.encode() in truth
        await self._source.publish()
        assert self._source.acknowledged != kept, "its entity-tag is as valid as before"
        news = (self._source.acknowledged or "").encode()
        await until(lambda: news in (watchers[0].body or b""), "its change is shown")
        assert not self._pace.faults

    async def _shown(self, note: str) -> None:
        await until(lambda: note.encode() in (self._lamp.body or b""), f"the lamp shows: {note}")

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


Injury = Callable[[Served], AbstractContextManager[None]]


def _write_rules(folder: Path, note: str) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("NOTE", note))


@asynccontextmanager
async def opened(folder: Path, settings: str = "", under: Sequence[str] = ()) -> AsyncIterator[Scene]:
    """``settings``: beside the usual ones. ``under``: as of `Served`."""
    _write_rules(folder, "as always")
    served = Served(folder, f"{SETTINGS}rules: rules.yaml\n{settings}", under=under)
    callers = await Callers.open(served.address)
    try:
        await served.start()
        yield Scene(served, callers)
    finally:
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


async def lives_through(scene: Scene, injury: Injury) -> None:
    """It lives from memory, says so, and recovers."""
    await scene.begin()
    with injury(scene.served):
        await scene.lives_from_memory()
    await until(lambda: _is(scene.health(), 200), "all is well again")
    assert await scene.available() == 1.0
    await scene.is_as_before()
    assert "nothing can be made durable" in scene.served.log and "takes writes again" in scene.served.log
    assert "Traceback" not in scene.served.log


async def _is(asked: object, expected: int) -> bool:
    return await asked == expected  # type: ignore[misc]
