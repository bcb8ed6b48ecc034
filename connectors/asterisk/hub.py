"""The one connection to an Asterisk, for all links of an entry: I/O only."""

import contextlib
from collections.abc import Callable
from typing import Protocol

from connectors.asterisk.codes import command_in
from connectors.asterisk.mapping import device_of
from connectors.asterisk.session import Session, Snapshot
from connectors.asterisk.settings import ManagerSettings
from connectors.asterisk.switchboard import Switchboard
from connectors.asterisk.wire import Message
from connectors.base import Context, Entry
from connectors.connection import Connection, client_tls
from connectors.dialled import obey
from connectors.errors import ConnectorError, Misconfigured

LOOK_AGAIN = 15.0
"Seconds after which a missing extension is asked for once more, and then said to be missing."


class Extension(Protocol):
    """What attaches to the hub: `connectors.asterisk.connector.AsteriskConnector`."""

    person: str

    def watches(self, board: Switchboard) -> tuple[str, frozenset[str]]:
        """The key of its hint, and its phones. Raises ConnectorError when there is none."""
        ...

    def told(self, board: Switchboard) -> None: ...

    def lost(self, error: ConnectorError) -> None: ...


class AsteriskHub:
    """Extensions may come and go at any time."""

    def __init__(self, entry: Entry, settings: ManagerSettings, context: Context) -> None:
        self._entry, self._settings, self._context = entry, settings, context
        self._extensions: list[Extension] = []
        self._board = Switchboard()
        self._index: dict[str, list[Extension]] = {}
        self._index_of = -1
        "The layout of the board that the index was made from."
        self._complete = False
        "Whether the board is that of a standing connection."
        self._since = 0.0
        self._connection = Connection("Asterisk", context.clock, context.http.allow)

    def attach(self, extension: Extension) -> None:
        self._extensions.append(extension)
        self._index_of = -1
        if self._complete:
            self._tell(extension)

    def detach(self, extension: Extension) -> None:
        if extension in self._extensions:
            self._extensions.remove(extension)
            self._index_of = -1

    async def run(self, heard: Callable[[], None]) -> None:
        settings, clock = self._settings, self._context.clock
        if self._entry.secret is None:
            raise Misconfigured("there is no secret for the manager user", advice="Give it at the entry.")
        port = settings.port or (5039 if settings.tls else 5038)
        await self._connection.open(
            settings.host, port, client_tls(settings.ca_file) if settings.tls else None
        )
        self._since = clock.monotonic()
        session = Session(
            settings.user,
            self._entry.secret,
            self._since,
            ping_after=settings.ping_after.total_seconds(),
            snapshot_every=settings.snapshot_interval.total_seconds(),
        )

        def happened(what: Message | Snapshot) -> None:
            if isinstance(what, Snapshot):
                self._replace(what)
                if not all(map(self._is_there, self._extensions)):
                    # An Asterisk that starts knows no extension at first.
                    session.ask_within(LOOK_AGAIN, clock.monotonic())
            else:
                self._take(what)

        def alive() -> None:
            if self._complete:
                heard()

        try:
            await self._connection.converse(session, happened, alive)
        finally:
            self._complete = False
            self._board, self._index_of = Switchboard(), -1

    async def close(self) -> None:
        self._connection.close()

    # -- what is heard -------------------------------------------------------------------------------------------

    def _replace(self, snapshot: Snapshot) -> None:
        self._board.replace(snapshot)
        self._complete = True
        for extension in tuple(self._extensions):
            self._tell(extension)

    def _take(self, message: Message) -> None:
        touched = self._board.event(message, self._context.clock.monotonic())
        if not self._complete:
            return
        concerned = {id(one): one for name in touched for one in self._watching(name)}
        for extension in concerned.values():
            self._tell(extension)
        words = command_in(message, self._settings.codes)
        dialled_by = self._watching(device_of(message.get("channel"))) if words is not None else []
        for extension in dialled_by[:1]:
            obey(self._context, extension.person, words or "")

    def _watching(self, name: str) -> list[Extension]:
        """Who watches that phone or that hint."""
        if self._index_of != self._board.layout:
            self._index_of, self._index = self._board.layout, {}
            for extension in self._extensions:
                with contextlib.suppress(ConnectorError):  # it is told at the next snapshot
                    key, devices = extension.watches(self._board)
                    for each in (key, *devices):
                        self._index.setdefault(each, []).append(extension)
        return self._index.get(name, [])

    def _tell(self, extension: Extension) -> None:
        try:
            extension.watches(self._board)
        except ConnectorError as error:
            if self._context.clock.monotonic() - self._since >= LOOK_AGAIN:
                extension.lost(error)
            return
        extension.told(self._board)

    def _is_there(self, extension: Extension) -> bool:
        try:
            extension.watches(self._board)
        except ConnectorError:
            return False
        return True
