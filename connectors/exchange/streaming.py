"""Streaming notifications: Exchange tells which calendars have changed, over one request that it answers for minutes.

What it tells is only ever a reason to poll: polls go on, seldom, in case that something was lost.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.errors import ConnectorError, as_connector_error
from connectors.exchange.mailbox import Mailbox

MOST_CALENDARS = 200
"Subscriptions in one request. Calendars beyond that are only polled: a server allows few such requests at a time."
MINUTES = 2
"One request is answered for so long; its calendars are those of its beginning."


@dataclass(frozen=True, slots=True)
class _Member:
    mailbox: Mailbox
    poll_now: Callable[[], None]


class Streaming:
    """Who joins is told of changes while ``run`` runs. Subscriptions are kept from one request to the next."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._subscriptions: dict[str, str] = {}
        "Address -> subscription id."
        self._told_of: frozenset[str] = frozenset()
        self._joined = asyncio.Event()
        self._closed = False

    def join(self, address: str, mailbox: Mailbox, poll_now: Callable[[], None]) -> None:
        self._members[address] = _Member(mailbox, poll_now)
        self._joined.set()

    def leave(self, address: str) -> None:
        self._members.pop(address, None)
        self._subscriptions.pop(address, None)

    def tells_of(self, address: str) -> bool:
        """Is a change of this calendar told as it happens?"""
        return address in self._told_of

    def close(self) -> None:
        """``run`` ends at once; the request under way when the server next says something."""
        self._closed = True
        self._joined.set()

    async def run(self, heard: Callable[[], None]) -> None:
        """One request after the other, until closed. Raises what ends one before its time."""
        while not self._closed:
            self._joined.clear()
            members = dict(list(self._members.items())[:MOST_CALENDARS])
            if members:
                await self._one_request(members, heard)
            else:
                await self._joined.wait()

    async def _one_request(self, members: Mapping[str, _Member], heard: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[list[str] | ConnectorError | None] = asyncio.Queue()

        def tell(what: list[str] | ConnectorError | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(told.put_nowait, what)

        threading.Thread(
            target=self._blocking, args=(members, tell), name="exchange-streaming", daemon=True
        ).start()
        try:
            while (what := await told.get()) is not None and not self._closed:
                if isinstance(what, ConnectorError):
                    self._subscriptions.clear()
                    raise what
                heard()
                self._told_of = frozenset(members)
                self._poll(what)
        finally:
            self._told_of = frozenset()

    def _poll(self, subscriptions: list[str]) -> None:
        for address, subscription in tuple(self._subscriptions.items()):
            if subscription in subscriptions and address in self._members:
                self._members[address].poll_now()

    def _blocking(
        self, members: Mapping[str, _Member], tell: Callable[[list[str] | ConnectorError | None], None]
    ) -> None:
        """In a thread: subscribe whoever is new, then read until the server's time is up."""
        try:
            for address, member in members.items():
                if self._closed:
                    return
                if address not in self._subscriptions:
                    self._subscriptions[address] = member.mailbox.subscribe()
            speaker = next(iter(members.values())).mailbox
            known = [self._subscriptions[address] for address in members if address in self._subscriptions]
            tell([])
            for changed in speaker.notifications(known, MINUTES):
                if self._closed:
                    return
                tell(changed)
        except Exception as error:
            tell(as_connector_error(error))
        finally:
            tell(None)
