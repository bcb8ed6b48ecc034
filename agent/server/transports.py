"""The server's listening sockets, and sending first from them."""

import asyncio
import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.net import tcp
from agent.net.driver import Driver
from agent.net.udp import UdpListener
from agent.net.user_agent import Resolver
from agent.sip.flows import Flow, Transport
from agent.sip.routing import Destination, Target


@dataclass(frozen=True, slots=True)
class Listen:
    """One listener. ``advertised``: the address that peers should see, if it is another (NAT)."""

    transport: Transport
    host: str
    port: int
    advertised: tuple[str, int] | None = None


class DatagramPort(Protocol):
    """A bound UDP socket, or what stands for one."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def advertised(self) -> tuple[str, int]: ...

    def flow_to(self, remote: tuple[str, int]) -> Flow: ...

    def close(self) -> None: ...


class Transports:
    """Open listeners and the connections that we opened. Satisfies `next_hops.FlowFactory`."""

    def __init__(self, driver: Driver, resolver: Resolver, tls_client: ssl.SSLContext | None = None) -> None:
        self._driver = driver
        self._resolver = resolver
        self._tls_client = tls_client
        self._udp: list[DatagramPort] = []
        self._tcp: list[tcp.TcpListener] = []
        self._outbound: dict[Destination, tcp.StreamConnection] = {}
        self._connecting: dict[Destination, asyncio.Future[tcp.StreamConnection]] = {}

    async def listen(self, wanted: Sequence[Listen]) -> None:
        """Raises OSError, with the address in its text."""
        for listen in wanted:
            try:
                if listen.transport is Transport.UDP:
                    self._udp.append(
                        UdpListener.open(self._driver, listen.host, listen.port, listen.advertised)
                    )
                elif listen.transport is not Transport.TCP:
                    raise OSError(errno.EPROTONOSUPPORT, "only UDP and TCP can be listened on")
                else:
                    listener = await tcp.TcpListener.open(
                        self._driver, listen.host, listen.port, listen.advertised
                    )
                    self._tcp.append(listener)
            except OSError as error:
                raise OSError(
                    error.errno,
                    f"cannot listen on {listen.transport} {listen.host}:{listen.port}: {error.strerror}",
                ) from None

    def add(self, port: DatagramPort) -> None:
        """One more datagram port."""
        self._udp.append(port)

    def addresses(self) -> list[tuple[Transport, tuple[str, int]]]:
        """Where it really listens (port 0 resolved)."""
        udp = [(Transport.UDP, listener.address) for listener in self._udp]
        return [*udp, *((Transport.TCP, listener.address) for listener in self._tcp)]

    def is_own(self, host: str) -> bool:
        """Whether a host part, port included if one is there, names one of our sockets."""
        name = (
            host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
        )
        name = name.strip("[]")
        every = [listener.advertised for listener in self._udp] + [
            listener.advertised for listener in self._tcp
        ]
        return any(name == advertised[0] for advertised in every)

    def udp_flow(self, host: str, port: int) -> Flow | None:
        for listener in self._udp:
            if (":" in listener.address[0]) == (":" in host):
                return listener.flow_to((host, port))
        return None

    async def connect(self, destination: Destination) -> Flow:
        connection = self._outbound.get(destination)
        if connection is None:
            connection = await self._connected(destination)
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
            connection = await self._open(destination)
        except BaseException as error:
            reason = error if isinstance(error, OSError) else OSError("connecting was given up")
            outcome.set_exception(reason)
            outcome.exception()  # nobody else may have waited
            raise
        finally:
            del self._connecting[destination]
        outcome.set_result(connection)
        if not connection.lost.done():
            self._outbound[destination] = connection
            connection.lost.add_done_callback(lambda _: self._outbound.pop(destination, None))
        return connection

    async def _open(self, destination: Destination) -> tcp.StreamConnection:
        secure = destination.transport is Transport.TLS
        local = self._tcp[0].advertised if self._tcp and not secure else None
        context = (self._tls_client or ssl.create_default_context()) if secure else None
        return await tcp.connect(
            self._driver, destination.host, destination.port, local, context, destination.host
        )

    async def resolve(self, target: Target) -> Sequence[Destination]:
        return await self._resolver.resolve(target)

    def close(self) -> None:
        for udp in self._udp:
            udp.close()
        for listener in self._tcp:
            listener.close()
        for connection in list(self._outbound.values()):
            connection.close()
