"""TCP: listening, connecting, and one connection's bytes. TLS is the same with an SSL context."""

import asyncio
import ssl
from typing import cast

from agent.net.driver import Driver
from agent.sip.flows import Flow, Transport

WRITE_LIMIT = 4 << 20
"Bytes that may wait for a slow peer before its connection is given up."
STALLED_AFTER = 32.0
"Seconds within which a begun message must be complete: a transaction's life."
HALF_CLOSED_FOR = 1.0
"Seconds that a peer which has ended its side can still be answered; `nc -N` reads its answer like that."
MAX_CONNECTIONS = 20_000
"Per listener. A refused connection is closed at once."


class StreamConnection(asyncio.Protocol):
    """One connection of either direction."""

    def __init__(
        self, driver: Driver, transport: Transport, local: tuple[str, int] | None, owner: "TcpListener | None"
    ) -> None:
        self._driver = driver
        self._kind = transport
        self._local = local
        self._owner = owner
        self._pipe: asyncio.Transport | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._half_closed: asyncio.TimerHandle | None = None
        self.flow: Flow | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        peer = transport.get_extra_info("peername")
        own = transport.get_extra_info("sockname")
        if not peer or not own or (self._owner is not None and not self._owner.admit(self)):
            pipe.abort()
            return
        self._pipe = pipe
        number = self._driver.new_number()
        self.flow = Flow(self._kind, self._local or (own[0], own[1]), (peer[0], peer[1]), number)
        pipe.set_write_buffer_limits(high=WRITE_LIMIT)
        self._driver.add_connection(number, self)

    def data_received(self, data: bytes) -> None:
        if self.flow is None:
            return
        self._driver.stream(data, self.flow)
        waiting = self._driver.endpoint.mid_message(self.flow)
        if waiting and self._stall is None:
            loop = asyncio.get_running_loop()
            self._stall = loop.call_later(STALLED_AFTER, self._stalled)
        elif not waiting and self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self) -> None:
        self._stall = None
        if self._pipe is not None:
            self._pipe.abort()

    def eof_received(self) -> bool:
        """Whether the connection stays open for a while. TLS has no half-closed connections."""
        if self._kind.secure:
            return False
        self._half_closed = asyncio.get_running_loop().call_later(HALF_CLOSED_FOR, self.close)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._stall, self._half_closed):
            if timer is not None:
                timer.cancel()
        if self._owner is not None:
            self._owner.forget(self)
        if self.flow is not None:
            self._driver.connection_lost(self.flow)
        if not self.lost.done():
            self.lost.set_result(None)

    def send(self, flow: Flow, data: bytes) -> None:
        pipe = self._pipe
        if pipe is None or pipe.is_closing():
            asyncio.get_running_loop().call_soon(self._driver.send_failed, flow)
            return
        pipe.write(data)
        if pipe.get_write_buffer_size() > WRITE_LIMIT:
            pipe.abort()

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()


class TcpListener:
    """A listening socket and the connections it has accepted."""

    def __init__(self, driver: Driver, transport: Transport, advertised: tuple[str, int] | None) -> None:
        self._driver = driver
        self._transport = transport
        self._server: asyncio.Server | None = None
        self._connections: set[StreamConnection] = set()
        self.advertised = advertised or ("", 0)

    @classmethod
    async def open(
        cls,
        driver: Driver,
        host: str,
        port: int,
        advertised: tuple[str, int] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> "TcpListener":
        """Bind and listen. Raises OSError. Port 0 takes a free one."""
        listener = cls(driver, Transport.TLS if tls else Transport.TCP, advertised)
        loop = asyncio.get_running_loop()
        listener._server = await loop.create_server(
            listener._accept, host, port, ssl=tls, backlog=1024, reuse_address=True
        )
        if advertised is None:
            listener.advertised = listener.address
        return listener

    @property
    def address(self) -> tuple[str, int]:
        """Where it is bound."""
        assert self._server is not None
        name = self._server.sockets[0].getsockname()
        return name[0], name[1]

    def _accept(self) -> StreamConnection:
        return StreamConnection(self._driver, self._transport, self.advertised, self)

    def admit(self, connection: StreamConnection) -> bool:
        if len(self._connections) >= MAX_CONNECTIONS:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: StreamConnection) -> None:
        self._connections.discard(connection)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()


async def connect(
    driver: Driver,
    host: str,
    port: int,
    local: tuple[str, int] | None = None,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> StreamConnection:
    """Open a connection to a numeric address. ``local``: our address for Via and Contact if we also listen.

    Raises OSError (ssl.SSLError included).
    """
    loop = asyncio.get_running_loop()
    kind = Transport.TLS if tls else Transport.TCP
    _, connection = await asyncio.wait_for(
        loop.create_connection(
            lambda: StreamConnection(driver, kind, local, None),
            host,
            port,
            ssl=tls,
            server_hostname=server_name if tls else None,
        ),
        timeout=10.0,
    )
    return connection
