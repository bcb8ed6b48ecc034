"""The server's listening sockets, and sending first from them."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.net import tcp
from agent.net.connections import Connections
from agent.net.driver import Driver
from agent.net.local_address import is_local_address, is_wildcard
from agent.net.tls import Credentials, ServerContext, UnusableCertificate
from agent.net.udp import UdpListener
from agent.net.user_agent import Resolver
from agent.net.websocket import WebSocketListener
from agent.sip.flows import Flow, Transport
from agent.sip.routing import Destination, Target, sent_by

log = logging.getLogger(__name__)

CERTIFICATES_EVERY = 10.0
"Seconds between two looks at the listeners' certificate files."


@dataclass(frozen=True, slots=True)
class Listen:
    """One listener. ``advertised``: the address that peers should see, if it is another (NAT)."""

    transport: Transport
    host: str
    port: int
    advertised: tuple[str, int] | None = None
    credentials: Credentials | None = None
    "TLS and WSS need them."
    client_ca: Path | None = None
    "Clients must show a certificate that one of these authorities has signed."
    origins: tuple[str, ...] = ()
    "WS and WSS: the web origins whose pages may connect; none: all."


class Port(Protocol):
    """A listening socket."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def advertised(self) -> tuple[str, int] | None: ...

    def close(self) -> None: ...


class DatagramPort(Port, Protocol):
    """A bound UDP socket, or what stands for one."""

    def flow_to(self, remote: tuple[str, int]) -> Flow: ...

    @property
    def waiting(self) -> int:
        """Datagrams, roughly, that have arrived and were not read yet."""


class StreamPort(Port, Protocol):
    """A socket that accepts connections."""

    @property
    def transport(self) -> Transport: ...


class Transports:
    """Open listeners and the connections that we opened. Satisfies `next_hops.FlowFactory`."""

    def __init__(
        self,
        driver: Driver,
        resolver: Resolver,
        tls_client: ssl.SSLContext | None = None,
        *,
        largest: int = 65_535,
        connections: int = tcp.MAX_CONNECTIONS,
    ) -> None:
        """``largest``: bytes of one message; ``connections``: at a time, for each listener."""
        self._driver = driver
        self._resolver = resolver
        self._largest = largest
        self._most = connections
        self._udp: list[DatagramPort] = []
        self._streams: list[StreamPort] = []
        self._contexts: list[ServerContext] = []
        self._closed = False
        self._connections = Connections(driver, tls_client, self._local)

    async def listen(self, wanted: Sequence[Listen]) -> None:
        """Raises OSError, with the address in its text."""
        for listen in wanted:
            try:
                await self._listen(listen)
            except OSError as error:
                where = f"{listen.transport} {listen.host}:{listen.port}"
                raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None

    async def _listen(self, listen: Listen) -> None:
        driver, host, port, advertised = self._driver, listen.host, listen.port, listen.advertised
        tls: ServerContext | None = None
        if listen.transport.secure:
            if listen.credentials is None:
                raise UnusableCertificate("a certificate is needed")
            tls = ServerContext(listen.credentials, listen.client_ca)
            self._contexts.append(tls)
        match listen.transport:
            case Transport.UDP:
                self._udp.append(UdpListener.open(driver, host, port, advertised))
            case Transport.TCP | Transport.TLS:
                self._streams.append(
                    await tcp.TcpListener.open(driver, host, port, advertised, tls, self._most)
                )
            case Transport.WS | Transport.WSS:
                self._streams.append(
                    await WebSocketListener.open(
                        driver,
                        host,
                        port,
                        advertised,
                        tls,
                        origins=listen.origins,
                        largest=self._largest,
                        most=self._most,
                    )
                )
            case Transport.MEMORY:
                raise ValueError("there is nothing to listen on")

    def add(self, port: DatagramPort) -> None:
        """One more datagram port."""
        self._udp.append(port)

    def reload_certificates(self) -> list[str]:
        """Put renewed certificate files in force. Whatever is wrong is returned and logged; the last good ones stay."""
        problems: list[str] = []
        for context in self._contexts:
            try:
                if context.reload():
                    log.info("a new certificate is in force: %s", context.credentials.certificate)
            except UnusableCertificate as error:
                log.error("the certificate stays as it was: %s", error.reason)
                problems.append(error.reason)
        return problems

    async def watch_certificates(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """For ever: look whether certificate files have been renewed."""
        while True:
            await sleep(CERTIFICATES_EVERY)
            self.reload_certificates()

    def addresses(self) -> list[tuple[Transport, tuple[str, int]]]:
        """Where it really listens (port 0 resolved)."""
        udp = [(Transport.UDP, listener.address) for listener in self._udp]
        return [*udp, *((listener.transport, listener.address) for listener in self._streams)]

    def is_own(self, host: str) -> bool:
        """Whether a host part, port included if one is there, names one of our sockets."""
        name = (
            host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
        )
        name = name.strip("[]")
        every: list[Port] = [*self._udp, *self._streams]
        if any(name == (port.advertised or port.address)[0] for port in every):
            return True
        return any(is_wildcard(port.address[0]) for port in every) and is_local_address(name)

    def waiting(self) -> int:
        """Datagrams, roughly, that have arrived and were not read yet."""
        return sum(port.waiting for port in self._udp)

    def udp_flow(self, host: str, port: int, local: str = "") -> Flow | None:
        """``local``: our address (``host:port``) that the peer knows; its socket is taken if there is one."""
        first: Flow | None = None
        for listener in self._udp:
            if (":" in listener.address[0]) == (":" in host):
                flow = listener.flow_to((host, port))
                if sent_by(flow) == local:
                    return flow
                first = first or flow
        return first

    async def connect(self, destination: Destination) -> Flow:
        if self._closed:
            raise OSError("the server is closing")
        return await self._connections.flow(destination)

    def _local(self, destination: Destination) -> tuple[str, int] | None:
        """Where the peer could connect to us: at our listener of the same transport and address family."""
        for listener in self._streams:
            host, port = listener.address
            if listener.transport is destination.transport and (":" in host) == (":" in destination.host):
                return listener.advertised or ("" if is_wildcard(host) else host, port)
        return None

    async def resolve(self, target: Target) -> Sequence[Destination]:
        return await self._resolver.resolve(target)

    def close(self) -> None:
        self._closed = True
        for udp in self._udp:
            udp.close()
        for listener in self._streams:
            listener.close()
        self._connections.close()
