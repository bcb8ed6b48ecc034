"""Many user agents on real sockets in one process: real transactions over UDP and TCP, for loads on a real service."""

import asyncio
import secrets
from collections.abc import Callable

from agent.clock import SystemClock
from agent.net.connections import Connections
from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.net.tcp import TcpListener
from agent.net.udp import UdpListener
from agent.net.user_agent import new_endpoint
from agent.sip.endpoint import RequestReceived
from agent.sip.flows import Flow, Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response, response_to
from agent.sip.routing import Destination

UDP, TCP = Transport.UDP, Transport.TCP


class Callers:
    """Open with `open`. ``server``: where requests go."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.driver = Driver(new_endpoint(), SystemClock())
        self.driver.on_request = self._received
        self.dialogs: dict[str, Callable[[Request], int]] = {}
        "By Call-ID: who takes its NOTIFYs and says the status to answer with. All others are 481."
        self.connection = 0
        "Over which the NOTIFY came that is being taken; 0: UDP."
        self.seen_at: tuple[str, int] | None = None
        "Where the service reaches us over UDP; None: where we are."
        self.tcp_server = server
        self._connections = Connections(self.driver)
        self._udp: UdpListener
        self._tcp: TcpListener
        self._serial = 0
        self._mark = secrets.token_hex(4)

    @classmethod
    async def open(cls, server: tuple[str, int], host: str = "127.0.0.1") -> "Callers":
        """``host``: their own address; all of 127.0.0.0/8 will do."""
        callers = cls(server)
        callers._udp = UdpListener.open(callers.driver, host, 0)
        callers._tcp = await TcpListener.open(callers.driver, host, 0)
        return callers

    def close(self) -> None:
        self.driver.close()
        self._udp.close()
        self._tcp.close()
        self._connections.close()

    def unique(self, word: str) -> str:
        self._serial += 1
        return f"{word}{self._serial}-{self._mark}"

    def contact(self, user: str, transport: Transport) -> str:
        host, port = (self._udp if transport is UDP else self._tcp).address
        if transport is UDP and self.seen_at is not None:
            host, port = self.seen_at
        parameter = "" if transport is UDP else ";transport=tcp"
        return f"<sip:{user}@{host}:{port}{parameter}>"

    async def flow(self, transport: Transport) -> Flow:
        """Raises OSError."""
        if transport is UDP:
            return self._udp.flow_to(self.server)
        return await self._connections.flow(Destination(transport, *self.tcp_server, ""))

    async def ask(
        self,
        method: str,
        uri: str,
        transport: Transport,
        *,
        user: str,
        call_id: str,
        cseq: int,
        headers: list[tuple[str, str]],
        body: bytes = b"",
        from_tag: str = "f",
        to: str | None = None,
        to_tag: str = "",
        contact: bool = True,
    ) -> Response | None:
        """The final answer; None: there was none. ``contact``: our own goes along."""
        head = Headers(
            [
                ("From", f"<sip:{user}@example.org>;tag={from_tag}"),
                ("To", f"<{to or uri}>" + (f";tag={to_tag}" if to_tag else "")),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                *([("Contact", self.contact(user, transport))] if contact else []),
                *headers,
            ]
        )
        try:
            return await self.driver.request(Request(method, uri, head, body), await self.flow(transport))
        except (RequestFailed, OSError, TimeoutError):
            return None

    async def is_up(self) -> bool:
        """Whether the service answers."""
        answer = await self.ask(
            "OPTIONS", "sip:example.org", UDP, user="probe", call_id=self.unique("o"), cseq=1, headers=[]
        )
        return answer is not None

    async def until_up(self) -> None:
        while not await self.is_up():
            await asyncio.sleep(0.02)

    def _received(self, event: RequestReceived) -> None:
        self.connection = event.flow.connection
        taker = self.dialogs.get(event.request.call_id)
        status = taker(event.request) if taker is not None else 481
        self.driver.respond(event.transaction, response_to(event.request.headers, status))
