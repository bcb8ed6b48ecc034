"""Our client's way to a server: failover (RFC 3263 §4.3), pauses, large requests, redirections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from agent.clock import Clock, SystemClock
from agent.net.authentication import request_authenticated
from agent.net.resolver import Resolver
from agent.net.user_agent import AskedToWait, UserAgent
from agent.sip.flows import Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from tests.support.clock import VirtualClock
from tests.support.dns import dns_server
from tests.support.ports import free_port
from tests.support.scripted_server import Answer, ScriptedServer, scripted_server

ALICE = "sip:alice@example.org"
NUMBERS = count(1)


def publication(body: bytes = b"<presence/>", *headers: tuple[str, str]) -> Request:
    return Request(
        "PUBLISH",
        ALICE,
        Headers(
            [
                ("From", f"<{ALICE}>;tag=a"),
                ("To", f"<{ALICE}>"),
                ("Call-ID", f"call-{next(NUMBERS)}"),
                ("CSeq", "1 PUBLISH"),
                ("Event", "presence"),
                ("Content-Type", "application/pidf+xml"),
                *headers,
            ]
        ),
        body,
    )


def port_of(server: ScriptedServer) -> int:
    return int(server.address.rpartition(":")[2])


def always(status: int, *headers: tuple[str, str]) -> Callable[[Request], Answer]:
    return lambda request: (status, list(headers))


@asynccontextmanager
async def client(
    ports: list[int], service: str = "_sip._udp", clock: Clock | None = None
) -> AsyncIterator[UserAgent]:
    """One whose example.org has a service at these ports, in this order."""
    records = [f"{number} 0 {port} here.example.org." for number, port in enumerate(ports)]
    zone = {(f"{service}.example.org.", "SRV"): records, ("here.example.org.", "A"): ["127.0.0.1"]}
    async with AsyncExitStack() as stack:
        dns = await stack.enter_async_context(dns_server(zone))
        resolver = Resolver(nameservers=[dns.address], hosts_file=Path("/nowhere"))
        yield await stack.enter_async_context(UserAgent.open(clock or CLOCK, resolver))


CLOCK = VirtualClock()


async def test_a_target_that_is_not_there_is_passed_over() -> None:
    async with scripted_server(always(200)) as alive, client([free_port(), port_of(alive)]) as agent:
        assert (await agent.request(publication())).status == 200
        assert len(alive.requests) == 1


async def test_after_503_the_next_is_asked_with_a_new_branch_and_the_first_gets_its_pause() -> None:
    async with AsyncExitStack() as stack:
        tired = await stack.enter_async_context(scripted_server(always(503, ("Retry-After", "120 (tea)"))))
        alive = await stack.enter_async_context(scripted_server(always(200)))
        agent = await stack.enter_async_context(client([port_of(tired), port_of(alive)]))
        for _ in range(3):
            assert (await agent.request(publication())).status == 200
        assert len(tired.requests) == 1 and len(alive.requests) == 3
        branches = {request.via.branch for request in (*tired.requests, *alive.requests)}
        assert len(branches) == 4
        CLOCK.advance(121)
        assert (await agent.request(publication())).status == 200
        assert len(tired.requests) == 2, "the pause is over"


async def test_503_without_a_time_is_no_reason_to_pass_it_over_next_time() -> None:
    async with AsyncExitStack() as stack:
        tired = await stack.enter_async_context(scripted_server(always(503)))
        alive = await stack.enter_async_context(scripted_server(always(200)))
        agent = await stack.enter_async_context(client([port_of(tired), port_of(alive)]))
        for _ in range(2):
            assert (await agent.request(publication())).status == 200
        assert len(tired.requests) == 2


async def test_when_all_want_a_pause_none_is_asked() -> None:
    async with AsyncExitStack() as stack:
        tired = await stack.enter_async_context(scripted_server(always(503, ("Retry-After", "60"))))
        agent = await stack.enter_async_context(client([port_of(tired)]))
        assert (await agent.request(publication())).status == 503
        with pytest.raises(AskedToWait, match="60 s"):
            await agent.request(publication())
        assert len(tired.requests) == 1


async def test_any_other_answer_is_the_answer() -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(scripted_server(always(500)))
        second = await stack.enter_async_context(scripted_server(always(200)))
        agent = await stack.enter_async_context(client([port_of(first), port_of(second)]))
        assert (await agent.request(publication())).status == 500
        assert not second.requests


async def test_over_tcp_a_refused_connection_leads_to_the_next() -> None:
    async with AsyncExitStack() as stack:
        alive = await stack.enter_async_context(scripted_server(always(200)))
        port = int(alive.uri(Transport.TCP).partition(";")[0].rpartition(":")[2])
        agent = await stack.enter_async_context(client([free_port(), port], "_sip._tcp"))
        assert (await agent.request(publication(), next_hop="sip:example.org;transport=tcp")).status == 200


class Datagrams(asyncio.DatagramProtocol):
    """Answers each request with 200, and keeps what came."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        self.got.append(data)
        if len(self.got) > 1:  # the first is left to be sent again
            head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
            kept = [
                line
                for line in head[1:]
                if line.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")
            ]
            answer = b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""])
            self._transport.sendto(answer, peer)


async def test_copies_of_a_request_go_where_the_first_went() -> None:
    """RFC 3263 §4: one choice for each transaction, however many targets there are."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        ends = []
        for _ in range(2):
            transport, end = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
            stack.callback(transport.close)
            ends.append((transport.get_extra_info("sockname")[1], end))
        resolver_ports = [port for port, _ in ends]
        agent = await stack.enter_async_context(client(resolver_ports, clock=SystemClock()))
        assert (await agent.request(publication())).status == 200
        first, second = (end.got for _, end in ends)
        assert len(first) >= 2 and len(set(first)) == 1, "the same bytes again"
        assert not second


async def test_a_large_request_travels_over_tcp() -> None:
    """RFC 3261 §18.1.1."""
    body = b"<presence>" + b"x" * 2000 + b"</presence>"
    async with scripted_server(always(200)) as server, UserAgent.open(SystemClock(), Resolver()) as agent:
        # The scripted server's TCP port is another: where TCP is refused, the same request goes over UDP.
        assert (await agent.request(publication(body), next_hop=f"sip:{server.address}")).status == 200
        assert server.requests[0].via.transport == "UDP" and server.requests[0].body == body
        port = free_port()
        listening = await asyncio.start_server(_answer_over_tcp, "127.0.0.1", port)
        assert (await agent.request(publication(body), next_hop=f"sip:127.0.0.1:{port}")).status == 299
        listening.close()


async def _answer_over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    assert any(line.startswith(b"Via: SIP/2.0/TCP ") for line in head)
    kept = [line for line in head[1:] if line.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")]
    writer.write(b"\r\n".join([b"SIP/2.0 299 Large", *kept, b"Content-Length: 0", b"", b""]))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_a_redirection_is_followed_to_the_best_place_that_answers() -> None:
    async with AsyncExitStack() as stack:
        alive = await stack.enter_async_context(scripted_server(always(200)))
        gone = await stack.enter_async_context(scripted_server(always(404)))
        places = f"<sip:b@{alive.address}>;q=0.1, <sip:a@{gone.address}>;q=0.9"
        pointing = await stack.enter_async_context(pointing_server(places))
        agent = await stack.enter_async_context(UserAgent.open(SystemClock(), Resolver()))
        request, answer = await request_authenticated(
            agent, publication(), None, next_hop=f"sip:{pointing.address}"
        )
        assert answer.status == 200 and len(gone.requests) == 1
        (arrived,) = alive.requests
        assert arrived.uri == request.uri == f"sip:b@{alive.address}"
        assert arrived.cseq.number == 3 and arrived.call_id == request.call_id
        assert arrived.to.uri == ALICE


@asynccontextmanager
async def pointing_server(places: str) -> AsyncIterator[ScriptedServer]:
    """Redirects to ``places``."""

    def answer(request: Request) -> Answer:
        return 302, [("Contact", places)]

    async with scripted_server(answer) as server:
        yield server


async def test_servers_that_point_at_each_other_are_left() -> None:
    answers: dict[str, str] = {}

    def point(request: Request) -> Answer:
        return 302, [("Contact", f"<{answers[request.uri.partition('@')[0]]}>")]

    async with scripted_server(point) as one, scripted_server(point) as two:
        answers |= {"sip:alice": f"sip:two@{two.address}", "sip:two": f"sip:one@{one.address}"}
        answers |= {"sip:one": f"sip:two@{two.address}", "sip:ps": f"sip:two@{two.address}"}
        async with UserAgent.open(SystemClock(), Resolver()) as agent:
            _, answer = await request_authenticated(agent, publication(), None, next_hop=f"sip:{one.address}")
        assert answer.status == 302
        assert len(one.requests) + len(two.requests) <= 5


class Recorded:
    """A Requester that answers from a list."""

    def __init__(self, *answers: Response) -> None:
        self._answers = list(answers)
        self.requests: list[Request] = []

    async def request(self, request: Request, *, next_hop: str | None = None) -> Response:
        self.requests.append(request)
        return self._answers.pop(0)


async def test_what_the_server_cannot_do_is_not_required_the_second_time() -> None:
    agent = Recorded(Response(420, headers=Headers([("Unsupported", "foo")])), Response(200))
    request, answer = await request_authenticated(agent, publication(b"", ("Require", "foo, bar")), None)
    assert answer.status == 200 and request.headers.get("Require") == "bar"
    assert request.cseq.number == 2
