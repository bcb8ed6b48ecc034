"""A connector with a hub, for tests of the runner: a board with a lamp for each phone."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from connectors.base import Context, Entry, Link
from connectors.errors import BadData
from connectors.facts import CallState, CallValue, Fact
from connectors.ingress import Received, Reply
from connectors.settings import LinkSettings

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class BoardSettings(LinkSettings):
    host: str = Field(description="Where the board is.")


class PhoneSettings(BoardSettings):
    extension: str = Field(description="The phone.")


class Board:
    """The hub. The test puts exceptions or None (answered) into ``source``."""

    made: ClassVar[list["Board"]] = []

    def __init__(self, entry: Entry, settings: BoardSettings, context: Context) -> None:
        self.entry, self.settings = entry, settings
        self.source: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.phones: dict[str, Callable[[CallState], None]] = {}
        self.running = 0
        self.closed = False
        self.made.append(self)

    async def run(self, heard: Callable[[], None]) -> None:
        self.running += 1
        while True:
            said = await self.source.get()
            if self.closed:
                return
            if said is not None:
                raise said
            heard()

    async def receive(self, request: Received) -> Reply:
        extension, _, state = request.body.decode().partition(" ")
        if extension not in self.phones:
            raise BadData(f"no phone {extension}")
        self.phones[extension](CallState(state))
        return Reply()

    async def close(self) -> None:
        self.closed = True
        self.source.put_nowait(None)


class Phone:
    """One link's part."""

    def __init__(self, link: Link, settings: PhoneSettings, context: Context) -> None:
        self._link, self._settings, self._board = link, settings, context.hub
        self._closed = asyncio.Event()

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        def told(state: CallState) -> None:
            emit([Fact(self._link.person, self._link.id, CallValue(state, MOMENT), MOMENT)])

        self._board.phones[self._settings.extension] = told
        await self._closed.wait()
        del self._board.phones[self._settings.extension]

    async def close(self) -> None:
        self._closed.set()
