"""Over which flow a NOTIFY leaves: the watcher's own connection, or its Contact or first Route looked up (RFC 3263)."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Protocol

from agent.net.driver import Driver
from agent.presence.records import Subscription
from agent.sip.flows import Flow, Transport
from agent.sip.routing import Destination, Target, is_outbound, parse_target, request_path
from agent.sip.values import parse_host_port

log = logging.getLogger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class FlowFactory(Protocol):
    """The server's transports, as far as sending first is concerned."""

    def udp_flow(self, host: str, port: int, local: str = "") -> Flow | None:
        """None: no UDP listener of that address family. ``local``: our address that the peer knows, ``host:port``."""

    def connect(self, destination: Destination) -> Awaitable[Flow]:
        """Open or reuse a connection. Raises OSError."""

    def resolve(self, target: Target) -> Awaitable[Sequence[Destination]]:
        """Raises OSError."""


class NextHops:
    def __init__(
        self,
        driver: Driver,
        flows: FlowFactory,
        spawn: Spawn,
        other_flow: Callable[[Subscription], Flow | None] = lambda row: None,
    ) -> None:
        """``other_flow(row)``: another connection that the watcher's device has registered over."""
        self._driver = driver
        self._flows = flows
        self._spawn = spawn
        self._other_flow = other_flow
        self._left: dict[str, list[Destination]] = {}
        "Subscription -> the places that its name also stands for, not tried yet for the NOTIFY under way."

    def usable(self, flow: Flow) -> bool:
        """A connection must still be open."""
        return flow.transport is Transport.UDP or self._driver.is_open(flow)

    def find(self, row: Subscription, found: Callable[[Flow | None], None]) -> Flow | None:
        """The flow at once if the next hop is a plain address over UDP; else None, and ``found`` is called later."""
        if not row.route_set and is_outbound(row.remote_target):
            flow = self._outbound(row)
            if flow is None:
                self._spawn(_tell(found, None), "next-hop")
            return flow
        try:
            uri = request_path(row.remote_target, row.route_set)[2]
            address = _plain_address(uri)
            if address is not None:
                flow = self._flows.udp_flow(address[0], address[1], row.local_address)
                if flow is not None:
                    return flow
            target = parse_target(uri)
        except ValueError:
            self._spawn(_tell(found, None), "next-hop")
            return None
        self._spawn(self._look_up(self._first_that_works(target, row), found), "next-hop")
        return None

    def find_next(self, row: Subscription, found: Callable[[Flow | None], None]) -> bool:
        """After silence, 503 or a lost connection: whether there is another place to try (RFC 3263 §4.3). If so,
        ``found`` is called later."""
        left = self._left.pop(row.id, None)
        if not left:
            return False
        self._spawn(self._look_up(self._first_of(left, row), found), "next-hop")
        return True

    def settled(self, row: Subscription) -> None:
        """The NOTIFY was answered where it was sent; the next one goes there too."""
        if self._left:
            self._left.pop(row.id, None)

    def find_stream(self, flow: Flow, found: Callable[[Flow | None], None]) -> None:
        """``found`` is called later with a TCP connection to where the UDP flow leads; None: it was refused."""
        destination = Destination(Transport.TCP, flow.remote[0], flow.remote[1])
        self._spawn(self._look_up(self._connected(destination), found), "next-hop")

    def _outbound(self, row: Subscription) -> Flow | None:
        """The flow that carried the SUBSCRIBE, as far as it outlives connections (RFC 5626 §4.3), or the device's next
        one."""
        if row.transport != Transport.UDP:
            return self._other_flow(row)
        host, port = parse_host_port(row.remote_address)
        return self._flows.udp_flow(host, port or 5060, row.local_address)

    async def _look_up(self, way: Awaitable[Flow | None], found: Callable[[Flow | None], None]) -> None:
        flow: Flow | None = None
        try:
            flow = await way
        except OSError as error:
            log.info("%s", error)
        except Exception:
            # Whatever it was: who waits for the flow must hear, or its lamp would hang for ever.
            log.exception("the way to a watcher could not be found")
        found(flow)

    async def _connected(self, destination: Destination) -> Flow | None:
        return await self._flows.connect(destination)

    async def _first_that_works(self, target: Target, row: Subscription) -> Flow | None:
        return await self._first_of(await self._flows.resolve(target), row)

    async def _first_of(self, destinations: Sequence[Destination], row: Subscription) -> Flow | None:
        for index, destination in enumerate(destinations):
            left = list(destinations[index + 1 :])
            if left:
                self._left[row.id] = left
            else:
                self._left.pop(row.id, None)
            if destination.transport is Transport.UDP:
                flow = self._flows.udp_flow(destination.host, destination.port, row.local_address)
                if flow is not None:
                    return flow
                continue
            try:
                return await self._flows.connect(destination)
            except OSError as error:
                log.info("no connection to %s port %d: %s", destination.host, destination.port, error)
        return None


async def _tell(found: Callable[[Flow | None], None], flow: Flow | None) -> None:
    found(flow)


@lru_cache(maxsize=4096)
def _plain_address(uri: str) -> tuple[str, int] | None:
    """Where a URI leads that names an address, over UDP: no DNS is asked. Kept, because a phone has one Contact for all
    its lamps. Raises ValueError for a URI that leads nowhere.
    """
    target = parse_target(uri)
    if target.transport not in (None, Transport.UDP) or target.secure:
        return None
    try:
        ip_address(target.host)
    except ValueError:
        return None
    return target.host, target.port or 5060
