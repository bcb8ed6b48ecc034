"""The one connection to a FreeSWITCH, for all links of an entry: I/O only."""

import logging
from collections.abc import Callable
from typing import Protocol

from connectors.base import Context, Entry
from connectors.codes import words_of
from connectors.connection import Connection
from connectors.dialled import obey
from connectors.errors import Misconfigured
from connectors.freeswitch.session import Session, Snapshot
from connectors.freeswitch.settings import EventSocketSettings
from connectors.freeswitch.switchboard import Switchboard
from connectors.freeswitch.wire import Event

log = logging.getLogger(__name__)

DEFAULT_PASSWORD = "ClueCon"


class Extension(Protocol):
    """What attaches to the hub: `connectors.freeswitch.connector.FreeSwitchConnector`."""

    person: str

    def concerned(self, ids: set[str]) -> bool: ...

    def told(self, board: Switchboard) -> None: ...


class FreeSwitchHub:
    """Extensions may come and go at any time."""

    def __init__(self, entry: Entry, settings: EventSocketSettings, context: Context) -> None:
        self._entry, self._settings, self._context = entry, settings, context
        self._extensions: list[Extension] = []
        self._board = Switchboard(bool(settings.profiles))
        self._complete = False
        "Whether the board is that of a standing connection."
        self._connection = Connection("FreeSWITCH", context.clock, context.http.allow)

    def attach(self, extension: Extension) -> None:
        self._extensions.append(extension)
        if self._complete:
            extension.told(self._board)

    def detach(self, extension: Extension) -> None:
        if extension in self._extensions:
            self._extensions.remove(extension)

    async def run(self, heard: Callable[[], None]) -> None:
        settings, secret = self._settings, self._entry.secret
        if secret is None:
            raise Misconfigured("there is no password for the event socket", advice="Give it at the entry.")
        await self._connection.open(settings.host, settings.port)
        if secret == DEFAULT_PASSWORD:
            log.warning(
                "%s: the event socket of FreeSWITCH has its default password: whoever reaches the port rules the PBX",
                self._entry.key,
            )
        session = Session(
            secret,
            settings.profiles,
            self._context.clock.monotonic(),
            ping_after=settings.ping_after.total_seconds(),
            snapshot_every=settings.snapshot_interval.total_seconds(),
        )

        def happened(what: Event | Snapshot) -> None:
            if isinstance(what, Snapshot):
                self._board.replace(what)
                self._complete = True
                for extension in tuple(self._extensions):
                    extension.told(self._board)
            else:
                self._take(what)

        def alive() -> None:
            if self._complete:
                heard()

        try:
            await self._connection.converse(session, happened, alive)
        finally:
            self._complete = False
            self._board = Switchboard(bool(settings.profiles))

    async def close(self) -> None:
        self._connection.close()

    def _take(self, event: Event) -> None:
        ids = self._board.event(event, self._context.clock.monotonic())
        if not self._complete or not ids:
            return
        concerned = [extension for extension in self._extensions if extension.concerned(ids)]
        for extension in concerned:
            extension.told(self._board)
        if event.name == "CHANNEL_CREATE" and event.get("call-direction") == "inbound":
            words = words_of(event.get("caller-destination-number"), self._settings.codes)
            if words is not None and concerned:
                obey(self._context, concerned[0].person, words)
