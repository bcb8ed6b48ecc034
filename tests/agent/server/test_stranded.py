"""Answers whose connection is gone before they are ready (RFC 3261 §18.2.2, RFC 3263 §5)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.net import tcp
from agent.server.transports import Listen
from agent.sip.flows import Flow, Transport
from tests.agent.server.test_tcp import EVENT, TYPE, listening
from tests.support.phone import document
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual_beside_threads
from tests.support.world import SimulatedDatabase, World, world

SLOW = 2 * tcp.HALF_CLOSED_FOR
"Virtual seconds that the store takes: longer than a connection that has been hung up stays open."


@asynccontextmanager
async def slow_world() -> AsyncIterator[tuple[World, tuple[str, int]]]:
    database = SimulatedDatabase()
    async with world(database=database) as here:
        await here.server.transports.listen([Listen(Transport.TCP, "127.0.0.1", 0)])
        (address,) = [where for kind, where in here.server.transports.addresses() if kind is Transport.TCP]
        database.delay = SLOW
        yield here, address


def publication(stream: Stream, sent_by: str, expires: int = 600) -> bytes:
    """A PUBLISH whose Via names ``sent_by``."""
    data = stream.compose("PUBLISH", EVENT, TYPE, f"Expires: {expires}", body=document("x"))
    head, _, rest = data.partition(b"Via: SIP/2.0/TCP ")
    return head + b"Via: SIP/2.0/TCP " + sent_by.encode() + b";" + rest.partition(b";")[2]


async def hang_up(here: World, stream: Stream) -> None:
    """Not before the request has been read."""
    while not list(here.store.all_publications()):
        await asyncio.sleep(0.01)
    await stream.close()


@virtual_beside_threads
async def test_it_goes_to_where_the_request_came_from_at_the_port_of_its_via() -> None:
    async with slow_world() as (here, address), listening() as (own, connection):
        bob = await Stream.connect(address)
        bob.send(publication(bob, f"client.invalid:{own[1]}"))
        await hang_up(here, bob)
        answer = await (await connection()).response(within=60)
        assert answer.status == 200 and answer.via.params["received"] == "127.0.0.1"


@virtual_beside_threads
async def test_or_to_what_its_sent_by_means() -> None:
    async with slow_world() as (here, address):
        here.names.names["client.example.org"] = "127.0.0.2"
        server = await asyncio.start_server(lambda r, w: arrived.set_result(Stream(r, w)), "127.0.0.2", 0)
        arrived: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()
        port = server.sockets[0].getsockname()[1]
        bob = await Stream.connect(address)
        bob.send(publication(bob, f"client.example.org:{port}"))
        await hang_up(here, bob)
        stream = await arrived
        assert (await stream.response(within=60)).status == 200
        await stream.close()
        server.close()


@virtual_beside_threads
async def test_nobody_is_called_in_the_name_of_a_request_that_was_refused() -> None:
    async with slow_world() as (here, address):
        called = asyncio.Event()
        server = await asyncio.start_server(lambda r, w: called.set(), "127.0.0.2", 0)
        here.names.names["victim.example.org"] = "127.0.0.2"
        port = server.sockets[0].getsockname()[1]
        bob = await Stream.connect(address)
        refused = publication(bob, f"victim.example.org:{port}").replace(
            b"presence\r\n", b"unheard-of\r\n", 1
        )
        stranded = here.server.driver.on_stranded
        answers: list[bytes] = []

        def lost(flow: Flow, data: bytes) -> None:
            answers.append(data)
            assert stranded is not None
            stranded(flow, data)

        here.server.driver.on_stranded = lost
        here.server.driver._connections.clear()
        bob.send(refused)
        while not answers:
            await asyncio.sleep(0.01)
        await asyncio.sleep(30)
        assert answers[0].startswith(b"SIP/2.0 489") and not called.is_set()
        server.close()
        await bob.close()


@virtual_beside_threads
async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    async with slow_world() as (here, address):
        bob = await Stream.connect(address)
        bob.send(publication(bob, "client.invalid:9"))
        await hang_up(here, bob)
        assert await here.at_rest() == (0, 0, 0)
