"""What all links to one Exchange server share: the service account, a few threads, one request for many mailboxes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from connectors.base import Context, Entry
from connectors.batching import Batcher
from connectors.errors import ConnectorError
from connectors.exchange.mailbox import Mailbox, Server
from connectors.exchange.messages import (
    MOST_MAILBOXES,
    Availability,
    availability_request,
    read_availability,
)
from connectors.exchange.settings import ExchangeHubSettings, Mode
from connectors.exchange.sign_in import Tokens, needs_secret
from connectors.exchange.soap import Soap
from connectors.exchange.streaming import Streaming
from connectors.ical.window import window_at
from connectors.threads import Threads

T = TypeVar("T")


class ExchangeHub:
    """A `connectors.base.Hub`."""

    def __init__(self, entry: Entry, settings: ExchangeHubSettings, context: Context) -> None:
        secret = needs_secret(settings, entry.secret)
        self._settings, self._clock = settings, context.clock
        self._threads = Threads(settings.connections, f"exchange-{entry.key}")
        self._tokens = tokens = Tokens(settings, secret, context.http)
        self._soap = Soap(settings, secret, context, self._threads, tokens)
        self._server: Server | None = None
        if settings.mode is Mode.CALENDAR:
            self._server = Server(settings, secret, context.http, tokens)
        self._streaming = Streaming() if self._server is not None and settings.notifications else None
        self._batcher: Batcher[Availability] = Batcher(self._ask, most=MOST_MAILBOXES, clock=context.clock)
        self._words: set[str] = set()
        "Mailboxes whose owners allow subjects and places."
        self._heard: Callable[[], None] = lambda: None
        self._ended: asyncio.Future[None] | None = None

    async def run(self, heard: Callable[[], None]) -> None:
        """See `connectors.base.Hub.run`: streaming, where there is some; else what requests tell."""
        self._heard = heard
        if self._streaming is not None:
            await self._streaming.run(heard)
            return
        self._ended = asyncio.get_running_loop().create_future()
        await self._ended

    # -- free and busy times ------------------------------------------------------------------------------------

    def join(self, mailbox: str, interval: float, *, words: bool) -> None:
        """``words``: subjects and places may be asked for."""
        self._batcher.join(mailbox, interval)
        if words:
            self._words.add(mailbox)

    async def availability(self, mailbox: str, *, fresh: bool) -> tuple[Availability, datetime]:
        """What a mailbox shows, and when the server said so."""
        return await self._batcher.get(mailbox, fresh=fresh)

    async def _ask(self, mailboxes: Sequence[str]) -> Mapping[str, Availability | ConnectorError]:
        window = window_at(self._clock.now(), self._settings)
        found: dict[str, Availability | ConnectorError] = {}
        for words in (True, False):
            group = [mailbox for mailbox in mailboxes if (mailbox in self._words) is words]
            if group:
                answer = await self._soap.send(availability_request(group, window, words=words))
                found.update(read_availability(answer, group, window))
        self._heard()
        return found

    # -- mailboxes by impersonation -----------------------------------------------------------------------------

    def open(self, address: str, poll_now: Callable[[], None]) -> Mailbox:
        """Whose changes are told from now on, where the server can."""
        assert self._server is not None
        mailbox = Mailbox(self._server, address)
        if self._streaming is not None:
            self._streaming.join(address, mailbox, poll_now)
        return mailbox

    def tells_of(self, address: str) -> bool:
        """Is a change of this calendar told as it happens?"""
        return self._streaming is not None and self._streaming.tells_of(address)

    async def blocking(self, work: Callable[[], T]) -> T:
        """In one of the hub's threads."""
        return await self._threads.run(work)

    # -- the end --------------------------------------------------------------------------------------------------

    def leave(self, mailbox: str) -> None:
        self._batcher.leave(mailbox)
        self._words.discard(mailbox)
        if self._streaming is not None:
            self._streaming.leave(mailbox)

    async def close(self) -> None:
        """See `connectors.base.Hub.close`."""
        self._threads.close()
        if self._streaming is not None:
            self._streaming.close()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        self._soap.close()
        self._tokens.close()
        if self._server is not None:
            self._server.close()
