"""TCP: listening, connecting, and one connection's bytes. TLS is the same with an SSL context."""

import asyncio
import ssl
from typing import cast

from agent.net.driver import Driver
from agent.net.keep_alive import KeepAlive
from agent.net.tls import HANDSHAKE_WITHIN
from agent.sip.flows import Flow, Transport
from agent.sip.identity import certifies

WRITE_LIMIT = 4 << 20
"Bytes that may wait for a slow peer before its connection is given up."
STALLED_AFTER = 32.0
"Seconds within which a begun message must be complete: a transaction's life."
HALF_CLOSED_FOR = 1.0
"Seconds that a peer which has ended its side can still be answered; `nc -N` reads its answer like that."
MAX_CONNECTIONS = 20_000
"Of one listener, unless it is told another number. A refused connection is closed at once."
CONNECT_WITHIN = 10.0
"Seconds for connecting, TLS handshake included."


class StreamConnection(asyncio.Protocol):
    """One connection of either direction."""

    def __init__(
        self,
        driver: Driver,
        transport: Transport,
        local: tuple[str, int] | None,
        owner: "TcpListener | None",
        expected: str = "",
    ) -> None:
        """``local``: our address as peers should see it (an empty host: that of the socket); None: the socket's.

        ``owner`` None: we opened it. ``expected``: the domain that the peer's certificate must be for.
        """
        self._driver = driver
        self._kind = transport
        self._local = local
        self._owner = owner
        self._expected = expected
        self._keep_alive: KeepAlive | None = None
        self._pipe: asyncio.Transport | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._half_closed: asyncio.TimerHandle | None = None
        self.flow: Flow | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        peer = transport.get_extra_info("peername")
        own = transport.get_extra_info("sockname")
        if not peer or not own or not self._admitted(pipe):
            pipe.abort()
            return
        self._pipe = pipe
        number = self._driver.new_number()
        host, port = self._local or (own[0], own[1])
        self.flow = Flow(self._kind, (host or own[0], port), (peer[0], peer[1]), number)
        pipe.set_write_buffer_limits(high=WRITE_LIMIT)
        shown = pipe.get_extra_info("peercert") if self._owner is not None else None
        self._driver.add_connection(number, self, shown)
        if self._owner is None:
            self._keep_alive = KeepAlive(pipe.write, pipe.abort)

    def _admitted(self, pipe: asyncio.Transport) -> bool:
        if self._owner is not None:
            return self._owner.admit(self)
        return not self._expected or certifies(pipe.get_extra_info("peercert") or {}, self._expected)

    def data_received(self, data: bytes) -> None:
        if self.flow is None:
            return
        if self._keep_alive is not None:
            self._keep_alive.heard()
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
        if self._keep_alive is not None:
            self._keep_alive.stop()
        if self._owner is not None:
            self._owner.forget(self)
        if self.flow is not None:
            self._driver.connection_lost(self.flow)
        if not self.lost.done():
            self.lost.set_result(None)

    def send(self, flow: Flow, data: bytes) -> None:
        pipe = self._pipe
        if pipe is None or pipe.is_closing():
            self._driver.undelivered(flow, data)
            return
        pipe.write(data)
        if pipe.get_write_buffer_size() > WRITE_LIMIT:
            pipe.abort()

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()


class TcpListener:
    """A listening socket and the connections it has accepted."""

    def __init__(
        self, driver: Driver, transport: Transport, advertised: tuple[str, int] | None, most: int
    ) -> None:
        self._driver = driver
        self._server: asyncio.Server | None = None
        self._connections: set[StreamConnection] = set()
        self._most = most
        self.transport = transport
        self.advertised = advertised
        "None: each peer sees the address that it has connected to."

    @classmethod
    async def open(
        cls,
        driver: Driver,
        host: str,
        port: int,
        advertised: tuple[str, int] | None = None,
        tls: ssl.SSLContext | None = None,
        most: int = MAX_CONNECTIONS,
    ) -> "TcpListener":
        """Bind and listen. Raises OSError. Port 0 takes a free one. ``most``: connections at a time."""
        listener = cls(driver, Transport.TLS if tls else Transport.TCP, advertised, most)
        loop = asyncio.get_running_loop()
        listener._server = await loop.create_server(
            listener._accept,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_WITHIN if tls else None,
            backlog=1024,
            reuse_address=True,
        )
        return listener

    @property
    def address(self) -> tuple[str, int]:
        """Where it is bound."""
        assert self._server is not None
        name = self._server.sockets[0].getsockname()
        return name[0], name[1]

    def _accept(self) -> StreamConnection:
        return StreamConnection(self._driver, self.transport, self.advertised, self)

    def admit(self, connection: StreamConnection) -> bool:
        if len(self._connections) >= self._most:
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
    name: str = "",
) -> StreamConnection:
    """Open a connection to a numeric address. ``local``: see `StreamConnection`, if we also listen.

    ``name``: the domain that the certificate must be for (RFC 5922 §7.3); default: the address itself.
    Raises OSError (ssl.SSLError included).
    """
    loop = asyncio.get_running_loop()
    kind = Transport.TLS if tls else Transport.TCP
    expected = (name or host) if tls else ""
    _, connection = await asyncio.wait_for(
        loop.create_connection(
            lambda: StreamConnection(driver, kind, local, None, expected),
            host,
            port,
            ssl=tls,
            server_hostname=expected or None,
        ),
        timeout=CONNECT_WITHIN,
    )
    if connection.flow is None and tls:
        raise ssl.SSLCertVerificationError(f"the certificate is not for {expected}")
    return connection
