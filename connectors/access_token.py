"""A token that opens an API for a while, kept until shortly before its end."""

import asyncio
from typing import Protocol

from connectors.base import Clock

EARLY = 300.0
"Seconds before its end from which on a token is not used any more."


class AccessTokens(Protocol):
    """Where a client gets its tokens."""

    async def token(self) -> str:
        """Raises `AuthFailed` in words, `Misconfigured`, `Unreachable`."""
        ...

    def refused(self) -> None:
        """The API did not accept the last token: the next one must be another."""
        ...


class KeptToken:
    """Base of `AccessTokens` that get theirs by asking: one question at a time, and only when needed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token, self._until = "", 0.0
        self._lock = asyncio.Lock()
        self._renew = False

    async def token(self) -> str:
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until - EARLY:
                token, seconds = await self.acquire(self._renew)
                self._renew = False
                self._token, self._until = token, self._clock.monotonic() + seconds
            return self._token

    def refused(self) -> None:
        self._token, self._renew = "", True

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """A token and how many seconds it is good for. ``renew``: nothing kept elsewhere will do."""
        raise NotImplementedError
