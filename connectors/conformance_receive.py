"""The suite that the tests of every connector inherit to which sources send requests, with its hub if it has one.

    class TestMine(ReceiveConformance):
        name = "mine"
        package = "their_package.mine"

        def link(self, person): ...
        def request(self, person, step): ...

Needs pytest with pytest-asyncio in auto mode; imports neither.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from connectors.base import Context, Link, Receives
from connectors.conformance_folder import FolderConformance
from connectors.errors import ConnectorError, Fault
from connectors.facts import KIND_OF, Fact, FactBook
from connectors.ingress import Received, Reply

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"When the requests of `ReceiveConformance` are received, plus a minute for each step."

HOSTILE = (
    b"", b"null", b"[]", b"{}", b'""', b"0", b"[null]", b'{"": null}', b"\xff\xfe", b"<a>", b"a=b&c", b"[[[[[[]]]]]]",
    b'{"id": {}, "time": [], "type": 5}', b"NaN", b'{"msg": "{"}', b'{"locations": 5}', b'{"_type": "location"}',
)  # fmt: skip


@dataclass
class FixedClock:
    """Shows ``NOW``, and what is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def wall(self) -> float:
        return self.at.timestamp()

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class Listeners:
    """The links of one entry that listen, and what they told."""

    receivers: Mapping[str, Receives]
    "By person; of a hub the same for all."
    clock: FixedClock
    facts: list[Fact] = field(default_factory=list)
    book: FactBook = field(default_factory=FactBook)

    def emit(self, facts: Iterable[Fact]) -> None:
        facts = tuple(facts)
        self.facts.extend(facts)
        self.book.put_all(facts)

    async def send(self, request: Received, person: str) -> Reply:
        self.clock.at = request.received_at
        return await self.receivers[person].receive(request)

    def known(self, person: str) -> dict[str, object]:
        """By source, what holds."""
        return {fact.source: fact.value for fact in self.book.of(person)}


class ReceiveConformance(FolderConformance):
    """Inherit, set ``name`` and ``package``, define ``link`` and ``request``."""

    def link(self, person: str) -> Link:
        """A link of ``alice`` or ``bob``, of one entry that has a secret."""
        raise NotImplementedError

    def request(self, person: str, step: int) -> Received:
        """What the source sends of somebody at ``NOW + step`` minutes. Each step tells another state than the one
        before it."""
        raise NotImplementedError

    def nonsense(self) -> Received:
        """What its source would never send."""
        return replace(self.request("alice", 0), body=b'{"nothing": "of use"}', query=())

    def context(self, clock: FixedClock) -> Context:
        """What the connector is given. Its ``spawn`` really starts what it gets, and returns what can be awaited."""
        raise NotImplementedError

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[Listeners]:
        clock = FixedClock()
        context, made_of = self.context(clock), self._type()
        hub: Any = None
        if made_of.manifest.hub is not None:
            entry = self.link("alice").entry
            hub = made_of.create_hub(entry, made_of.read_hub_settings(entry), context)
            context = replace(context, hub=hub)
        connectors: dict[str, Any] = {}
        for link in map(self.link, ("alice", "bob")):
            connectors[link.person] = made_of.create(link, made_of.read_settings(link), context)
        listeners = Listeners(
            {person: one if hasattr(one, "receive") else hub for person, one in connectors.items()}, clock
        )
        running = [
            context.spawn(one.listen(listeners.emit), name="listen")
            for one in connectors.values()
            if hasattr(one, "listen")
        ]
        await asyncio.sleep(0)
        try:
            yield listeners
        finally:
            for one in connectors.values():
                await one.close()
            if hub is not None:
                await hub.close()
            await asyncio.gather(*cast(list[Awaitable[None]], running))

    async def test_what_comes_becomes_well_formed_facts(self) -> None:
        async with self._listening() as here:
            reply = await here.send(self.request("alice", 0), "alice")
            assert 200 <= reply.status < 300
            assert here.facts, "the first request gave no facts"
            for fact in here.facts:
                assert fact.person == "alice"
                assert fact.source.startswith(f"{self.name}:{self.link('alice').id}")
                assert KIND_OF[type(fact.value)] in self._type().manifest.facts
                assert fact.observed_at.utcoffset() == timedelta(0)
                assert fact.observed_at <= NOW + timedelta(minutes=5)

    async def test_a_change_is_seen(self) -> None:
        async with self._listening() as here:
            await here.send(self.request("alice", 0), "alice")
            before = here.known("alice")
            await here.send(self.request("alice", 1), "alice")
            assert here.known("alice") != before

    async def test_the_same_again_changes_nothing(self) -> None:
        async with self._listening() as here:
            await here.send(self.request("alice", 0), "alice")
            before = here.known("alice")
            reply = await here.send(self.request("alice", 0), "alice")
            assert 200 <= reply.status < 300, "the source would send it for ever"
            assert here.known("alice") == before

    async def test_what_comes_late_changes_nothing(self) -> None:
        async with self._listening() as here:
            await here.send(self.request("alice", 0), "alice")
            await here.send(self.request("alice", 1), "alice")
            before = here.known("alice")
            late = replace(self.request("alice", 0), received_at=NOW + timedelta(minutes=2))
            await here.send(late, "alice")
            assert here.known("alice") == before

    async def test_nobody_else_is_concerned(self) -> None:
        async with self._listening() as here:
            await here.send(self.request("alice", 0), "alice")
            assert not here.known("bob")
            await here.send(self.request("bob", 1), "bob")
            assert here.known("bob")

    async def test_nonsense_is_refused_or_ignored_and_never_a_fault(self) -> None:
        good = self.request("alice", 0)
        hostile = [replace(good, body=body) for body in HOSTILE]
        bodies = json.dumps([good.body.decode("utf-8", "replace")] * 2).encode()
        for request in (
            self.nonsense(),
            *hostile,
            replace(good, body=bodies),
            replace(good, query=(("id", "x"),)),
        ):
            async with self._listening() as here:
                try:
                    await here.send(request, "alice")
                except ConnectorError as error:
                    assert not isinstance(error, Fault) and error.words
                    assert (self.link("alice").entry.secret or "\0") not in error.words
                    assert not here.facts
        async with self._listening() as here:
            await self._ignored(here)
            assert not here.facts

    async def _ignored(self, here: Listeners) -> None:
        try:
            await here.send(self.nonsense(), "alice")
        except ConnectorError:
            return

    async def test_closing_ends_it_and_nothing_is_told_afterwards(self) -> None:
        async with self._listening() as here:
            await here.send(self.request("alice", 0), "alice")
            receiver, told = here.receivers["alice"], len(here.facts)
        with suppress(ConnectorError):
            await receiver.receive(self.request("alice", 1))
        assert len(here.facts) == told
