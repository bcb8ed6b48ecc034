"""Connections that we open: one per destination, shared by all who send there, for as long as it lasts."""

import asyncio
import ssl
from collections.abc import Callable

from agent.net import tcp
from agent.net.driver import Driver
from agent.net.tls import client_context
from agent.sip.flows import Flow, Transport
from agent.sip.routing import Destination

OPENED = (Transport.TCP, Transport.TLS)
"Nobody can connect to a browser, so web sockets are only ever accepted."


class Connections:
    """``local(destination)``: our address for Via and Contact there (`tcp.StreamConnection`); None: the socket's."""

    def __init__(
        self,
        driver: Driver,
        tls: ssl.SSLContext | None = None,
        local: Callable[[Destination], tuple[str, int] | None] = lambda destination: None,
    ) -> None:
        """``tls``: from `tls.client_context`; None: its defaults."""
        self._driver = driver
        self._tls = tls
        self._local = local
        self._open: dict[Destination, tcp.StreamConnection] = {}
        self._connecting: dict[Destination, asyncio.Future[tcp.StreamConnection]] = {}

    async def flow(self, destination: Destination) -> Flow:
        """Over the connection that is there, or a new one. Raises OSError."""
        if destination.transport not in OPENED:
            raise OSError(f"no connection can be opened over {destination.transport}")
        connection = self._open.get(destination) or await self._connected(destination)
        if connection.flow is None:
            raise OSError("the connection was refused")
        return connection.flow

    async def _connected(self, destination: Destination) -> tcp.StreamConnection:
        """A new connection; all who want one to the same destination share the attempt and its outcome."""
        under_way = self._connecting.get(destination)
        if under_way is not None:
            return await asyncio.shield(under_way)
        outcome = self._connecting[destination] = asyncio.get_running_loop().create_future()
        try:
            connection = await self._connect(destination)
        except BaseException as error:
            reason = error if isinstance(error, OSError) else OSError("connecting was given up")
            outcome.set_exception(reason)
            outcome.exception()  # nobody else may have waited
            raise
        finally:
            del self._connecting[destination]
        outcome.set_result(connection)
        if not connection.lost.done():
            self._open[destination] = connection
            connection.lost.add_done_callback(lambda _: self._open.pop(destination, None))
        return connection

    async def _connect(self, destination: Destination) -> tcp.StreamConnection:
        context: ssl.SSLContext | None = None
        if destination.transport is Transport.TLS:
            context = self._tls = self._tls or client_context()
        return await tcp.connect(
            self._driver,
            destination.host,
            destination.port,
            self._local(destination),
            context,
            destination.name,
        )

    def close(self) -> None:
        for connection in list(self._open.values()):
            connection.close()
