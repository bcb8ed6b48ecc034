"""SIP over WebSocket (RFC 7118): accepted connections of browsers, one SIP message in each WebSocket message."""

import asyncio
import ssl
from collections.abc import Collection

from aiohttp import WSMsgType, web

from agent.net.driver import Driver
from agent.net.tls import HANDSHAKE_WITHIN
from agent.sip.flows import Flow, Transport

SUBPROTOCOL = "sip"
HEARTBEAT = 30.0
"Seconds between our pings; a browser whose machine sleeps does not say good-bye."
WAITING_LIMIT = 4 << 20
"Bytes that may wait for a slow peer before its connection is given up."


class WebSocketConnection:
    """One upgraded connection; a `driver.Sender`."""

    def __init__(
        self, driver: Driver, socket: web.WebSocketResponse, pipe: asyncio.Transport, flow: Flow
    ) -> None:
        self._driver = driver
        self._pipe = pipe
        self._socket = socket
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting = 0
        self._closing = False
        self.flow = flow

    async def serve(self) -> None:
        """Until either side ends it."""
        shown = self._pipe.get_extra_info("peercert")
        self._driver.add_connection(self.flow.connection, self, shown)
        try:
            await asyncio.gather(self._read(), self._write())
        except ConnectionError:
            pass  # the peer has gone while something was on its way to it
        finally:
            self._closing = True
            self._driver.connection_lost(self.flow)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._driver.datagrams([(self.flow, message.data.encode("utf-8", "surrogateescape"))])
                elif message.type is WSMsgType.BINARY:
                    self._driver.datagrams([(self.flow, message.data)])
        finally:
            self.close()

    async def _write(self) -> None:
        while (data := await self._queue.get()) is not None:
            self._waiting -= len(data)
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                await self._socket.send_bytes(data)
            else:
                # COMPAT(SIP.js, JsSIP): they take binary messages too, but text is what they are used to.
                await self._socket.send_str(text)
        await self._socket.close()

    def send(self, flow: Flow, data: bytes) -> None:
        if self._closing:
            asyncio.get_running_loop().call_soon(self._driver.send_failed, flow)
            return
        self._queue.put_nowait(data)
        self._waiting += len(data)
        if self._waiting > WAITING_LIMIT:
            # It does not read, so it would not hear a good-bye either.
            self.close()
            self._pipe.abort()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._queue.put_nowait(None)


class WebSocketListener:
    """A listening socket for ``ws``, or ``wss`` with a TLS context. Any path is taken."""

    def __init__(
        self,
        driver: Driver,
        transport: Transport,
        advertised: tuple[str, int] | None,
        origins: Collection[str],
        largest: int,
        most: int,
    ) -> None:
        self._driver = driver
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._largest = largest
        self._most = most
        self._connections: set[WebSocketConnection] = set()
        self._http = web.Server(self._upgrade, access_log=None)
        self._server: asyncio.Server | None = None
        self.transport = transport
        self.advertised = advertised

    @classmethod
    async def open(
        cls,
        driver: Driver,
        host: str,
        port: int,
        advertised: tuple[str, int] | None = None,
        tls: ssl.SSLContext | None = None,
        *,
        origins: Collection[str] = (),
        largest: int,
        most: int,
    ) -> "WebSocketListener":
        """Bind and listen. Raises OSError. ``origins``: web origins whose pages may connect; none: all.

        ``largest``: bytes of one message; ``most``: connections at a time.
        """
        kind = Transport.WSS if tls else Transport.WS
        listener = cls(driver, kind, advertised, origins, largest, most)
        loop = asyncio.get_running_loop()
        listener._server = await loop.create_server(
            listener._http,
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

    async def _upgrade(self, request: web.BaseRequest) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        pipe = request.transport
        peer = pipe.get_extra_info("peername") if pipe is not None else None
        own = pipe.get_extra_info("sockname") if pipe is not None else None
        if pipe is None or not peer or not own:
            return web.Response(status=400)
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), heartbeat=HEARTBEAT, max_msg_size=self._largest, compress=False
        )
        await socket.prepare(request)
        local = self.advertised or (own[0], own[1])
        flow = Flow(self.transport, local, (peer[0], peer[1]), self._driver.new_number())
        connection = WebSocketConnection(self._driver, socket, pipe, flow)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
        return socket

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        """What is no SIP client, or comes from a page that may not (RFC 6455 §4.2.2, §10.2)."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(
                status=426, headers={"Upgrade": "websocket"}, text="SIP over WebSocket (RFC 7118)\n"
            )
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if SUBPROTOCOL not in [name.strip().lower() for name in offered.split(",")]:
            return web.Response(status=400, text="Sec-WebSocket-Protocol: sip is wanted (RFC 7118)\n")
        origin = request.headers.get("Origin")
        # What is no browser can name any origin, so nothing is won by refusing those that name none.
        if self._origins and origin is not None and origin.lower() not in self._origins:
            return web.Response(status=403, text="pages of this origin may not connect\n")
        if len(self._connections) >= self._most:
            return web.Response(status=503)
        return None

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        for handler in list(self._http.connections):
            handler.force_close()
