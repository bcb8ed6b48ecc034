"""A user agent: one driver with the transports that a client needs, and a way to find the next hop.

Requests go to the first destination that answers (RFC 3263 §4.3); connections are reused.
"""

import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from agent.clock import Clock
from agent.net import tcp
from agent.net.connections import Connections
from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.net.tokens import Tokens
from agent.net.transcript import Transcript
from agent.net.udp import UdpListener
from agent.sip.endpoint import Endpoint, Failure, RequestReceived
from agent.sip.flows import Flow, Transport, format_address
from agent.sip.messages import Request, Response, response_to
from agent.sip.parsing import DEFAULT_LIMITS, Limits
from agent.sip.patience import LONGEST_RETRY_AFTER, seconds_in
from agent.sip.routing import Destination, Target, parse_target
from agent.sip.values import parse_name_addr

LARGE = 1300
"Bytes; a bigger request must not travel over UDP (RFC 3261 §18.1.1)."

log = logging.getLogger(__name__)


class AskedToWait(RequestFailed):
    """Every server that there is has answered 503 and named a time that is not over (RFC 3261 §21.5.4)."""

    def __init__(self, seconds: float) -> None:
        super().__init__(Failure.TRANSPORT)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"asked to wait for {self.seconds:.0f} s"


RequestHandler = Callable[[Request, Flow], Response | None]


class Resolver(Protocol):
    """RFC 3263: a target -> concrete destinations, best first."""

    async def resolve(self, target: Target) -> Sequence[Destination]:
        """Raises OSError when the name means nothing."""


def new_endpoint(limits: Limits = DEFAULT_LIMITS) -> Endpoint:
    """An endpoint with real randomness."""
    return Endpoint(token=Tokens(), secret=secrets.token_bytes(16), limits=limits)


class UserAgent:
    """Made by `open`."""

    def __init__(self, driver: Driver, resolver: Resolver, tls: ssl.SSLContext | None = None) -> None:
        self.driver = driver
        self._resolver = resolver
        self._udp: dict[int, UdpListener] = {}
        self._listener: tcp.TcpListener | None = None
        self._connections = Connections(driver, tls, self._local)
        self._handler: RequestHandler | None = None
        self._resting: dict[Destination, float] = {}
        "Until when (monotonic) a server wants no requests."
        driver.on_request = self._on_request

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        clock: Clock,
        resolver: Resolver,
        *,
        bind: str = "127.0.0.1",
        listen_tcp: bool = False,
        tls: ssl.SSLContext | None = None,
        transcript: Transcript | None = None,
    ) -> AsyncIterator["UserAgent"]:
        """A user agent on a free UDP port of ``bind``, and the same way over TCP if asked. Raises OSError."""
        driver = Driver(new_endpoint(), clock, transcript)
        agent = cls(driver, resolver, tls)
        try:
            udp = UdpListener.open(driver, bind, 0)
            agent._udp[6 if ":" in bind else 4] = udp
            if listen_tcp:
                agent._listener = await tcp.TcpListener.open(driver, bind, 0)
            yield agent
        finally:
            agent.close()

    def on_request(self, handler: RequestHandler) -> None:
        """``handler`` answers what comes in; None answers 481 to NOTIFY and 405 to the rest."""
        self._handler = handler

    def on_connection_lost(self, told: Callable[[], None]) -> None:
        """``told`` when a connection has gone: what was subscribed to over it should be subscribed to again (RFC 5626
        §4.4)."""
        self.driver.on_connection_lost = lambda flow: told()

    def contact(self, transport: Transport, user: str = "lamplighter") -> str:
        """Our Contact value for a request over that transport."""
        if transport is Transport.UDP:
            return f"<sip:{user}@{format_address(next(iter(self._udp.values())).address)}>"
        if self._listener is not None:
            return f"<sip:{user}@{format_address(self._listener.address)};transport={transport.value}>"
        # Nobody can connect to us: what comes back uses the connection that we opened (RFC 5626).
        own = format_address(next(iter(self._udp.values())).address)
        return f"<sip:{user}@{own};transport={transport.value};ob>"

    async def contact_towards(self, next_hop: str, user: str = "lamplighter") -> str:
        """Our Contact for a dialog with the server at that URI. Over TLS it names our end of the connection: nobody can
        open one to us, and servers look for a connection by its address. Raises OSError, ValueError."""
        destination = (await self._resolver.resolve(parse_target(next_hop)))[0]
        if destination.transport is not Transport.TLS:
            return self.contact(destination.transport, user)
        flow = await self._connections.flow(destination)
        return f"<sip:{user}@{format_address(flow.local)};transport=tls>"

    async def request(self, request: Request, *, next_hop: str | None = None) -> Response:
        """Send to ``next_hop`` (a URI; default: the first Route or the Request-URI) and wait for the final response.

        Tries the next address after 503, silence or a transport error, with a new branch; one that has asked for a
        pause gets it. Raises RequestFailed when no address answered, ValueError for a URI that is not SIP.
        """
        failure = RequestFailed(Failure.TRANSPORT)
        answer: Response | None = None
        for destination in await self._destinations(request, next_hop):
            pause = self._resting.get(destination, 0.0) - self.driver.clock.monotonic()
            if pause > 0.0:
                failure = AskedToWait(pause)
                continue
            try:
                flow = await self._flow(destination)
                answer = await self.driver.request(request, flow)
            except OSError:
                continue
            except RequestFailed as error:
                failure = error
                continue
            if answer.status != 503:
                return answer
            self._let_rest(destination, answer)
        if answer is not None:
            return answer
        raise failure

    def _let_rest(self, destination: Destination, answer: Response) -> None:
        now = self.driver.clock.monotonic()
        self._resting = {each: until for each, until in self._resting.items() if until > now}
        wait = seconds_in(answer.headers, "Retry-After")
        if wait is not None:
            self._resting[destination] = now + min(float(wait), LONGEST_RETRY_AFTER)

    async def _destinations(self, request: Request, next_hop: str | None) -> Sequence[Destination]:
        if next_hop is None:
            routes = request.headers.values("Route")
            next_hop = parse_name_addr(routes[0]).uri if routes else request.uri
        target = parse_target(next_hop)
        try:
            found = await self._resolver.resolve(target)
        except OSError as error:
            log.info("%s", error)
            return ()
        if len(request.body) + 600 > LARGE and len(request.encode()) + 100 > LARGE:
            # RFC 3261 §18.1.1: a congestion-controlled transport first, the same over UDP if that is refused.
            over_tcp = [d._replace(transport=Transport.TCP) for d in found if d.transport is Transport.UDP]
            return [*over_tcp, *found]
        return found

    async def _flow(self, destination: Destination) -> Flow:
        if destination.transport is Transport.UDP:
            return self._udp_for(destination.host).flow_to((destination.host, destination.port))
        return await self._connections.flow(destination)

    def _local(self, destination: Destination) -> tuple[str, int] | None:
        if self._listener is None or destination.transport is Transport.TLS:
            return None
        return self._listener.address

    def _udp_for(self, host: str) -> UdpListener:
        family = 6 if ":" in host else 4
        listener = self._udp.get(family)
        if listener is None:
            listener = self._udp[family] = UdpListener.open(
                self.driver, "::1" if family == 6 else "127.0.0.1", 0
            )
        return listener

    def _on_request(self, event: RequestReceived) -> None:
        answer = self._handler(event.request, event.flow) if self._handler is not None else None
        if answer is None:
            status = 481 if event.request.method == "NOTIFY" else 405
            extra = [] if status == 481 else [("Allow", "NOTIFY")]
            tag = self.driver.endpoint.tag_for(event.request)
            answer = response_to(event.request.headers, status, to_tag=tag, headers=extra)
        self.driver.respond(event.transaction, answer)

    def close(self) -> None:
        """Close every socket."""
        self.driver.close()
        for listener in self._udp.values():
            listener.close()
        self._connections.close()
        if self._listener is not None:
            self._listener.close()
