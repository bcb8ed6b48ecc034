"""How much one may ask of a source at once, and when it wants to be left alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from connectors.base import Clock
from connectors.errors import Unreachable

LONGEST_WAIT = 3600.0
"Seconds. A wrong Retry-After must not silence an account for good."


class Limits:
    """By account. ``at_once``: requests of one account; ``source``: the name that people know (`Microsoft Graph`)."""

    def __init__(self, clock: Clock, at_once: int, source: str) -> None:
        self._clock, self._at_once, self._source = clock, at_once, source
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._not_before: dict[str, float] = {}

    @asynccontextmanager
    async def place(self, account: str) -> AsyncIterator[None]:
        """Waits for one of the account's places. Raises `Unreachable` while the source wants to be left alone."""
        places = self._places.setdefault(account, asyncio.Semaphore(self._at_once))
        async with places:
            wait = self._not_before.get(account, 0.0) - self._clock.monotonic()
            if wait > 0:
                raise Unreachable(f"{self._source} asked to go slower", retry_after=wait)
            self._not_before.pop(account, None)
            yield

    def told_to_wait(self, account: str, seconds: float) -> None:
        self._not_before[account] = self._clock.monotonic() + min(seconds, LONGEST_WAIT)
