"""The suite that the tests of every connector that polls inherit, in this project and in others.

    class TestMine(ConnectorConformance):
        name = "mine"
        package = "their_package.mine"

        @asynccontextmanager
        async def source(self):
            async with my_stand_in() as source:   # has a `link`, a `context`, and the levers below
                yield source

For connectors that listen: `connectors.conformance_listen`. Needs pytest with pytest-asyncio in auto mode; imports
neither.
"""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol, cast

from connectors.base import Context, Link, Poll, PollConnector
from connectors.conformance_folder import FolderConformance
from connectors.errors import AuthFailed, BadData, ConnectorError, Unreachable
from connectors.facts import KIND_OF, Fact


class Source(Protocol):
    """A running source with a link to it, and levers. A lever works until the next one or ``mend``."""

    link: Link
    context: Context

    async def change(self) -> None:
        """Let the source have something else to say."""

    async def refuse_sign_in(self) -> None: ...

    async def fall_silent(self) -> None: ...

    async def talk_nonsense(self) -> None: ...

    async def mend(self) -> None: ...


class ConnectorConformance(FolderConformance):
    """Inherit, set ``name`` and ``package``, define ``source``."""

    def source(self) -> AbstractAsyncContextManager[Source]:
        """A source with at least one fact to tell, and a link whose secret is right."""
        raise NotImplementedError

    # -- how it behaves -----------------------------------------------------------------------------------

    def _connector(self, source: Source, link: Link | None = None) -> PollConnector:
        used = link or source.link
        made_of = self._type()
        made = made_of.create(used, made_of.read_settings(used), source.context)
        assert hasattr(made, "poll"), "this suite is for connectors that poll"
        return cast(PollConnector, made)

    async def test_the_first_poll_gives_well_formed_facts(self) -> None:
        async with self.source() as source:
            connector = self._connector(source)
            poll = await connector.poll(fresh=False)
            await connector.close()
            assert poll.facts, "the first poll gave no facts"
            assert poll.observed_at.utcoffset() == timedelta(0)
            for fact in poll.facts:
                assert fact.person == source.link.person
                assert fact.source.startswith(f"{self.name}:{source.link.id}")
                assert KIND_OF[type(fact.value)] in self._type().manifest.facts
                assert fact.observed_at.utcoffset() == timedelta(0)
            assert len({fact.source for fact in poll.facts}) == len(poll.facts), "two facts of one stream"

    async def test_nothing_new_is_the_same_again(self) -> None:
        async with self.source() as source:
            connector = self._connector(source)
            first = await connector.poll(fresh=False)
            again = await connector.poll(fresh=False)
            await connector.close()
            assert again.facts is None or _values(again) == _values(first)

    async def test_a_fresh_poll_always_gives_facts(self) -> None:
        async with self.source() as source:
            connector = self._connector(source)
            first = await connector.poll(fresh=False)
            fresh = await connector.poll(fresh=True)
            await connector.close()
            assert fresh.facts is not None
            assert _values(fresh) == _values(first)

    async def test_a_change_is_seen(self) -> None:
        async with self.source() as source:
            connector = self._connector(source)
            first = await connector.poll(fresh=False)
            await source.change()
            second = await connector.poll(fresh=False)
            await connector.close()
            assert second.facts is not None
            assert _values(second) != _values(first)

    async def test_a_refused_sign_in_is_an_auth_failure(self) -> None:
        await self._fails("refuse_sign_in", AuthFailed)

    async def test_a_silent_source_is_unreachable(self) -> None:
        await self._fails("fall_silent", Unreachable)

    async def test_nonsense_is_bad_data(self) -> None:
        await self._fails("talk_nonsense", BadData)

    async def _fails(self, lever: str, kind: type[ConnectorError]) -> None:
        """At the first poll and at a later one; without telling the secret; and it recovers."""
        async with self.source() as source:
            secret = source.link.secret
            assert secret is not None or kind is not AuthFailed
            fresh, used = self._connector(source), self._connector(source)
            before = await used.poll(fresh=False)
            await getattr(source, lever)()
            for connector in (fresh, used):
                try:
                    await connector.poll(fresh=False)
                except kind as error:
                    assert error.words
                    assert secret is None or secret not in error.words + repr(error)
                else:
                    raise AssertionError(f"no {kind.__name__} after {lever}")
            await source.mend()
            after = await used.poll(fresh=True)
            assert _values(after) == _values(before)
            await fresh.close()
            await used.close()


def _values(poll: Poll) -> dict[str, object]:
    return {fact.source: _value(fact) for fact in poll.facts or ()}


def _value(fact: Fact) -> object:
    """What is said, without when it was looked at."""
    value = fact.value
    return getattr(value, "events", value)
