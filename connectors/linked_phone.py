"""One person's phone as the connectors of telephony tell it: what it is doing becomes facts, and how listening ends."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.base import Clock, Link
from connectors.calls import CallSeen, call_value
from connectors.errors import ConnectorError
from connectors.facts import CallValue, Fact, ReachState, ReachValue
from connectors.offline import OfflineWatch
from connectors.privacy import Privacy


class LinkedPhone:
    """Two streams: ``<connector>:<link>/calls`` and ``…/registration``.

    Nothing is told but within ``telling``. ``device``: what rules call the phone.
    """

    def __init__(self, link: Link, clock: Clock, device: str, offline_after: timedelta) -> None:
        self._link, self._clock, self._device = link, clock, device
        self._offline = OfflineWatch(clock, offline_after, self._tell_reach)
        self._call: CallValue | None = None
        self._emit: Callable[[Iterable[Fact]], None] | None = None
        self._end: asyncio.Future[None] | None = None

    @contextmanager
    def telling(self, emit: Callable[[Iterable[Fact]], None]) -> Iterator[None]:
        self._emit = emit
        self._end = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            self._emit = None
            self._offline.cancel()

    async def until_lost(self) -> None:
        """Returns after `end`, raises what `lose` was given."""
        assert self._end is not None
        await self._end

    def end(self) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_result(None)

    def lose(self, error: ConnectorError) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_exception(error)

    def calls(self, calls: Iterable[CallSeen], now: datetime) -> None:
        """All calls that the phone has. With whom becomes a fact only where the privacy level allows details."""
        with_remote = self._link.privacy is Privacy.DETAILS
        self._call = call_value(calls, self._call, now, device=self._device, with_remote=with_remote)
        self._tell("calls", self._call, now)

    def reach(self, state: ReachState, now: datetime) -> None:
        """Whether it is registered; *offline* is told only when it has been so for a while."""
        if self._emit is not None:
            self._offline.heard(state, now)

    def _tell_reach(self, state: ReachState) -> None:
        self._tell("registration", ReachValue(self._device, state), self._clock.now())

    def _tell(self, stream: str, value: CallValue | ReachValue, now: datetime) -> None:
        if self._emit is not None:
            source = f"{self._link.connector}:{self._link.id}/{stream}"
            self._emit([Fact(self._link.person, source, value, now)])
