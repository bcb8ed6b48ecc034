"""NOTIFYs that are too large for a datagram (RFC 3261 §18.1.1): UDP by default, TCP first where that is wanted."""

import asyncio
from dataclasses import replace

from agent.server.config import ServerConfig
from tests.support.phone import document, shown
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world

CONFIG = ServerConfig(domains=frozenset({"example.org"}))
STRICT = replace(CONFIG, large_notify_over_tcp=True)
LONG = "x" * 1_300


@virtual
async def test_by_default_phones_get_it_as_they_expect() -> None:
    async with world() as here:
        bob = here.phone("bob")
        await bob.subscribe()
        await bob.notify()
        await here.phone("alice").publish(document(LONG))
        assert shown(await bob.notify()) == [("open", LONG)]


@virtual_beside_threads
async def test_strictly_it_travels_over_tcp_with_a_via_of_its_own() -> None:
    arrived: asyncio.Queue[Stream] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.put_nowait(Stream(reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with world(config=STRICT) as here:
        bob, alice = here.phone("bob"), here.phone("alice")
        await alice.publish(document(LONG))
        await bob.subscribe(contact=f"<sip:bob@127.0.0.1:{port}>")
        stream = await asyncio.wait_for(arrived.get(), 5)
        notify = await stream.notify()
        assert notify.via.transport == "TCP" and notify.uri == f"sip:bob@127.0.0.1:{port}"
        assert shown(notify) == [("open", LONG)]
        await stream.close()
        server.close()


@virtual_beside_threads
async def test_refused_over_tcp_it_goes_over_udp_and_tcp_is_not_tried_again() -> None:
    async with world(config=STRICT) as here:
        bob, alice = here.phone("bob"), here.phone("alice")
        attempts: list[object] = []
        transports = here.server.transports

        async def refused(destination: object) -> None:
            attempts.append(destination)
            raise ConnectionRefusedError

        transports.connect = refused  # type: ignore[method-assign,assignment]
        await bob.subscribe()
        assert shown(await bob.notify()) != [("open", LONG)] and not attempts, "small ones need no TCP"
        etag = (await alice.publish(document(LONG), expires=3600)).headers.get("SIP-ETag")
        notify = await bob.notify()
        assert notify.via.transport == "UDP" and shown(notify) == [("open", LONG)]
        await alice.publish(document(LONG + "y"), etag=etag)
        assert shown(await bob.notify()) == [("open", LONG + "y")]
        assert len(attempts) == 1
        assert await here.at_rest() == (0, 0, 0)
