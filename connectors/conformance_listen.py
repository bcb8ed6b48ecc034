"""The suite that the tests of every connector that listens inherit, with its hub if it has one.

Used like `connectors.conformance`; the levers of the source act on whoever is connected at the moment too, and its
context's ``spawn`` really starts what it is given.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from connectors.base import Context, Hub, PushConnector
from connectors.conformance import Source
from connectors.conformance_folder import FolderConformance
from connectors.errors import AuthFailed, BadData, ConnectorError, Unreachable, as_connector_error
from connectors.facts import KIND_OF, Fact, FactValue

PATIENCE = 30.0
"Real seconds, after which a test is stuck."


class Session:
    """One connector that listens, and what came of it."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.said: dict[str, FactValue] = {}
        "The newest value of each source."
        self.error: ConnectorError | None = None
        "Why the connector or its hub lost the source."
        self.running = 0
        "What still listens: the connector, its hub."
        self._changed = asyncio.Event()

    def emit(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.facts.append(fact)
            self.said[fact.source] = fact.value
        self._changed.set()

    def start(self, context: Context, listening: Coroutine[Any, Any, None]) -> None:
        self.running += 1
        context.spawn(self._watch(listening), name="listen")

    async def _watch(self, listening: Coroutine[Any, Any, None]) -> None:
        try:
            await listening
        except Exception as error:
            self.error = self.error or as_connector_error(error)
        finally:
            self.running -= 1
            self._changed.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


class ListenConformance(FolderConformance):
    """Inherit, set ``name`` and ``package``, define ``source``."""

    def source(self) -> AbstractAsyncContextManager[Source]:
        """A source with at least one fact to tell, and a link whose secret is right."""
        raise NotImplementedError

    @asynccontextmanager
    async def _session(self, source: Source) -> AsyncIterator[Session]:
        """Listening; at the end of the block the connector is closed, which must end it."""
        made_of, link = self._type(), source.link
        session = Session()
        hub: Hub | None = None
        context = source.context
        if made_of.manifest.hub is not None:
            hub = made_of.create_hub(link.entry, made_of.read_hub_settings(link.entry), context)
            context = replace(context, hub=hub)
        made = made_of.create(link, made_of.read_settings(link), context)
        assert hasattr(made, "listen"), "this suite is for connectors that listen"
        connector = cast(PushConnector, made)
        if hub is not None and hasattr(hub, "run"):
            session.start(context, hub.run(lambda: None))
        session.start(context, connector.listen(session.emit))
        try:
            yield session
        finally:
            await connector.close()
            if hub is not None:
                await hub.close()
            await session.until(lambda: not session.running)

    async def _told(self, source: Source) -> dict[str, FactValue]:
        """What a new connector says first."""
        async with self._session(source) as session:
            await session.until(lambda: session.said or session.error)
            assert session.error is None, session.error.words
            return dict(session.said)

    async def test_the_first_facts_are_well_formed(self) -> None:
        async with self.source() as source, self._session(source) as session:
            await session.until(lambda: session.facts or session.error)
            assert session.error is None, session.error.words
            for fact in session.facts:
                assert fact.person == source.link.person
                assert fact.source.startswith(f"{self.name}:{source.link.id}")
                assert KIND_OF[type(fact.value)] in self._type().manifest.facts
                assert fact.observed_at.utcoffset() == timedelta(0)

    async def test_a_change_is_seen(self) -> None:
        async with self.source() as source, self._session(source) as session:
            await session.until(lambda: session.said or session.error)
            before = dict(session.said)
            await source.change()
            await session.until(lambda: session.said != before or session.error)
            assert session.error is None, session.error.words

    async def test_closing_ends_it_and_nothing_is_told_afterwards(self) -> None:
        async with self.source() as source:
            async with self._session(source) as session:
                await session.until(lambda: session.said or session.error)
            assert session.error is None, session.error.words
            told = len(session.facts)
            await source.change()
            assert len(session.facts) == told

    async def test_a_refused_sign_in_is_an_auth_failure(self) -> None:
        await self._fails("refuse_sign_in", AuthFailed, connected=False)

    async def test_a_source_that_is_gone_is_unreachable(self) -> None:
        await self._fails("fall_silent", Unreachable, connected=False)
        await self._fails("fall_silent", Unreachable, connected=True)

    async def test_nonsense_is_bad_data(self) -> None:
        await self._fails("talk_nonsense", BadData, connected=True)

    async def _fails(self, lever: str, kind: type[ConnectorError], *, connected: bool) -> None:
        """Without telling the secret; and a new connector gets what the old one had."""
        async with self.source() as source:
            before = await self._told(source)
            secret = source.link.secret
            if not connected:
                await getattr(source, lever)()
            async with self._session(source) as session:
                if connected:
                    await session.until(lambda: session.said or session.error)
                    await getattr(source, lever)()
                await session.until(lambda: session.error)
            error = session.error
            assert isinstance(error, kind), f"{lever}: {error!r}"
            assert error.words
            assert secret is None or secret not in error.words + repr(error)
            await source.mend()
            assert _steady(await self._told(source)) == _steady(before)


def _steady(said: dict[str, FactValue]) -> dict[str, object]:
    """What is said, without since when: a source that was away may not know."""
    return {
        source: replace(value, since=None) if hasattr(value, "since") else value  # type: ignore[arg-type]
        for source, value in said.items()
    }
