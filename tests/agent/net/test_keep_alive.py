"""Pings on connections that we opened, in virtual time."""

import asyncio

from agent.net import tcp
from agent.net.driver import Driver
from agent.net.keep_alive import EVERY, KeepAlive
from agent.net.user_agent import new_endpoint
from tests.support.virtual_loop import LoopClock, virtual, virtual_beside_threads


class Peer:
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pings: list[float] = []
        self.failed: list[float] = []
        self.keep_alive = KeepAlive(
            lambda data: self.pings.append(loop.time()), lambda: self.failed.append(loop.time())
        )


@virtual
async def test_pings_come_at_random_times_within_the_range() -> None:
    peer, last = Peer(), asyncio.get_running_loop().time()
    gaps = set()
    for _ in range(50):
        while not peer.pings:
            await asyncio.sleep(0.5)
        sent = peer.pings.pop()
        gaps.add(round(sent - last, 3))
        peer.keep_alive.heard()
        last = asyncio.get_running_loop().time()
    assert min(gaps) >= EVERY[0] and max(gaps) <= EVERY[1] and len(gaps) > 30
    assert not peer.failed
    peer.keep_alive.stop()


@virtual
async def test_a_pong_that_does_not_come_any_more_fails_the_flow() -> None:
    peer = Peer()
    while not peer.pings:
        await asyncio.sleep(1)
    peer.keep_alive.heard()
    await asyncio.sleep(300)
    assert len(peer.pings) == 2 and peer.failed == [peer.pings[1] + 10.0]


@virtual
async def test_a_peer_that_never_answers_pings_is_not_judged_by_them() -> None:
    # COMPAT(pjsip 2.x): takes pings, sends no pong.
    peer = Peer()
    await asyncio.sleep(1000)
    assert len(peer.pings) >= 7 and not peer.failed
    peer.keep_alive.stop()
    await asyncio.sleep(1000)
    assert len(peer.pings) <= 10


@virtual_beside_threads
async def test_a_connection_whose_peer_has_died_is_closed() -> None:
    driver = Driver(new_endpoint(), LoopClock(asyncio.get_running_loop()))
    heard: list[bytes] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.append(data)
            if len(heard) == 1:
                writer.write(b"\r\n")
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    connection = await tcp.connect(driver, *server.sockets[0].getsockname())
    await asyncio.sleep(125)
    assert heard == [b"\r\n\r\n"] and driver.open_connections == 1
    await asyncio.wait_for(connection.lost, 135)
    assert heard == [b"\r\n\r\n"] * 2 and driver.open_connections == 0
    server.close()
    await asyncio.sleep(0.1)
    driver.close()
