"""UDP on real loopback sockets: bursts, peers that are not there, addresses that cannot be sent to."""

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from agent.clock import SystemClock
from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.net.udp import UdpListener
from agent.net.user_agent import new_endpoint
from agent.server.config import ServerConfig
from agent.server.server import PresenceServer
from agent.server.transports import Listen
from agent.sip.endpoint import Failure, RequestReceived
from agent.sip.flows import Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request, response_to
from agent.store.store import Store
from tests.agent.server.test_robustness import request as raw_request
from tests.support.running_server import running_server
from tests.support.sip import parsed


def options(to: str = "sip:bob@127.0.0.1") -> Request:
    headers = [("From", "<sip:a@b>;tag=1"), ("To", f"<{to}>"), ("Call-ID", "c"), ("CSeq", "1 OPTIONS")]
    return Request("OPTIONS", to, Headers(headers))


def open_driver() -> tuple[Driver, UdpListener]:
    driver = Driver(new_endpoint(), SystemClock())
    return driver, UdpListener.open(driver, "127.0.0.1", 0)


async def test_a_burst_is_answered_whole() -> None:
    server, listener = open_driver()
    client, port = open_driver()

    def answer(event: RequestReceived) -> None:
        server.respond(event.transaction, response_to(event.request.headers, 200))

    server.on_request = answer
    requests = []
    for number in range(500):
        request = options()
        request.headers.set("Call-ID", f"c{number}")
        requests.append(client.request(request, port.flow_to(listener.address)))
    answers = await asyncio.wait_for(asyncio.gather(*requests), 20)
    assert {answer.status for answer in answers} == {200}
    for driver, socket_ in ((server, listener), (client, port)):
        driver.close()
        socket_.close()


async def test_nobody_there_is_known_at_once() -> None:
    client, port = open_driver()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = taken.getsockname()
    with pytest.raises(RequestFailed) as failed:
        await asyncio.wait_for(client.request(options(), port.flow_to(nobody)), 5)
    assert failed.value.cause is Failure.TRANSPORT
    client.close()
    port.close()


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:bob@127.0.0.1:0>",
        "<sip:bob@127.0.0.1:70000>",
        "<sip:bob@127.0.0.1:65536;transport=tcp>",
        "<sip:bob@255.255.255.255:5060>",
        "<sip:bob@0.0.0.0:1>",
        "<sip:bob@[::1]:5060>",
        "<sip:bob@127.0.0.1:1;transport=tcp>",
        "<sip:bob@127.0.0.1;transport=tls>",
        "<sips:bob@127.0.0.1:1>",
        "<sip:bob@127.0.0.1;maddr=256.1.1.1>",
        "<sip:bob@...>",
        "<sip:@>",
        "<tel:+49301>",
    ],
)
async def test_a_contact_that_cannot_be_sent_to_harms_nobody(
    contact: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_server() as running:
        address = running.address(Transport.UDP)
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.setblocking(False)
            phone.bind(("127.0.0.1", 0))
            own = f"127.0.0.1:{phone.getsockname()[1]}"
            bad = raw_request(("<sip:bob@192.0.2.50>", contact), ("192.0.2.50:5060", own), method="SUBSCRIBE")
            await loop.sock_sendto(phone, bad, (host, int(port)))
            answer = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 5)
            assert answer.startswith((b"SIP/2.0 200", b"SIP/2.0 400")), answer
            for _ in range(50):
                if not running.store.all_subscriptions():
                    break
                await asyncio.sleep(0.02)
            probe = raw_request(("192.0.2.50:5060", own), ("z9hG4bKbad", "z9hG4bKgood"), method="OPTIONS")
            await loop.sock_sendto(phone, probe, (host, int(port)))
            assert (await asyncio.wait_for(loop.sock_recv(phone, 65_535), 5)).startswith(b"SIP/2.0 200")
    assert not [record for record in caplog.records if record.exc_info], caplog.text
    assert parsed(bad).method == "SUBSCRIBE"


async def test_an_address_that_cannot_be_listened_on_is_named() -> None:
    clock = SystemClock()
    store = await Store.open("memory:", clock)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for listen in (Listen(Transport.UDP, "127.0.0.1", port), Listen(Transport.TLS, "127.0.0.1", 0)):
            config = ServerConfig(domains=frozenset({"example.org"}))
            server = PresenceServer(store, clock, config, None, lambda work, name: None)  # type: ignore[arg-type]
            with pytest.raises(OSError, match=rf"{listen.transport} 127\.0\.0\.1:{listen.port}"):
                await server.start([listen])
            server.close()
    await store.close()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_it_hears_on_after_peers_that_are_gone(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    # COMPAT(uvloop 0.22): it stops watching a socket for good when that reports an error, as UDP does for each ICMP.
    async def main() -> None:
        server, listener = open_driver()
        client, port = open_driver()
        server.on_request = lambda event: server.respond(
            event.transaction, response_to(event.request.headers, 200)
        )
        for number in range(3):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
                taken.bind(("127.0.0.1", 0))
                nobody = taken.getsockname()
            with pytest.raises(RequestFailed):
                await asyncio.wait_for(server.request(options(), listener.flow_to(nobody)), 5)
            request = options()
            request.headers.set("Call-ID", f"still{number}")
            answer = await asyncio.wait_for(client.request(request, port.flow_to(listener.address)), 5)
            assert answer.status == 200
        for driver, socket_ in ((server, listener), (client, port)):
            driver.close()
            socket_.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
