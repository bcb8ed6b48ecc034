"""Several listeners, both address families, wildcards and NAT: whom a peer sees, and which socket a NOTIFY leaves."""

import asyncio
import socket
from pathlib import Path

import pytest

from agent.net.local_address import is_local_address
from agent.sip.flows import Transport
from agent.sip.messages import Request, Response
from agent.sip.parsing import parse_datagram
from tests.support.certificates import Authority
from tests.support.listeners import listening_world, plain
from tests.support.phone import document, shown
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual_beside_threads

EVENT = "Event: presence"


class Datagrams:
    """A phone's UDP socket on a loopback address."""

    def __init__(self, host: str) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        self.host = f"[{host}]" if ":" in host else host

    def subscribe(self, address: tuple[str, int], contact: str = "", number: int = 1) -> None:
        contact = contact or f"<sip:bob@{self.host}:{self.port}>"
        lines = (
            "SUBSCRIBE sip:alice@example.org SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{self.port}x{number};rport",
            "Max-Forwards: 70",
            "From: <sip:bob@example.org>;tag=t",
            "To: <sip:alice@example.org>",
            f"Call-ID: {self.port}-{number}",
            "CSeq: 1 SUBSCRIBE",
            EVENT,
            "Expires: 3600",
            f"Contact: {contact}",
            "Content-Length: 0",
        )
        self.socket.sendto("\r\n".join((*lines, "", "")).encode(), address)

    async def message(self, within: float = 5.0) -> tuple[Request | Response, tuple[str, int]]:
        loop = asyncio.get_running_loop()
        data, source = await asyncio.wait_for(loop.sock_recvfrom(self.socket, 65_535), within)
        return parse_datagram(data), source[:2]

    def __enter__(self) -> "Datagrams":
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()


@virtual_beside_threads
async def test_a_watcher_on_ipv6_over_udp() -> None:
    async with listening_world(plain(Transport.UDP, "::1")) as (_, (address,)):
        with Datagrams("::1") as bob:
            bob.subscribe(address)
            answer, source = await bob.message()
            assert source == address
            assert isinstance(answer, Response) and answer.status == 200
            assert answer.via.params["rport"] == str(bob.port) and answer.via.params["received"] == "::1"
            assert answer.headers.get("Contact") == f"<sip:[::1]:{address[1]}>"
            notify, source = await bob.message()
            assert source == address and isinstance(notify, Request)
            assert notify.uri == f"sip:bob@[::1]:{bob.port}"
            assert (notify.via.host, notify.via.port) == ("::1", address[1])


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_watcher_on_ipv6_over_a_connection(tmp_path: Path, transport: Transport) -> None:
    authority = Authority(tmp_path)
    secure = transport is Transport.TLS

    @virtual_beside_threads
    async def run() -> None:
        listen = plain(transport, "::1", credentials=authority.issue("::1") if secure else None)
        async with (
            listening_world(listen) as (here, (address,)),
            await Stream.connect(address, authority.trusting() if secure else None) as bob,
        ):
            bob.send(bob.compose("SUBSCRIBE", EVENT, f"Contact: <sip:bob@[::1]:9;transport={transport}>"))
            answer = await bob.response()
            assert answer.headers.get("Contact") == f"<sip:[::1]:{address[1]};transport={transport}>"
            await bob.notify()
            await here.phone("alice").publish(document("In"))
            assert shown(await bob.notify()) == [("open", "In")]

    run()


@virtual_beside_threads
async def test_a_notify_leaves_the_socket_that_the_watcher_knows() -> None:
    listens = (plain(Transport.UDP), plain(Transport.UDP, "127.0.0.2"), plain(Transport.UDP, "127.0.0.2"))
    async with listening_world(*listens) as (_, addresses):
        for address in addresses:
            with Datagrams("127.0.0.1") as bob:
                bob.subscribe(address)
                for _ in range(2):
                    message, source = await bob.message()
                    assert source == address
                    assert f"{address[0]}:{address[1]}" in (message.headers.get("Contact") or "")


@virtual_beside_threads
async def test_listening_everywhere_each_peer_sees_the_address_it_has_reached() -> None:
    listens = (plain(Transport.UDP, "0.0.0.0"), plain(Transport.TCP, "0.0.0.0"))
    async with listening_world(*listens) as (here, (udp, tcp)):
        with Datagrams("127.0.0.1") as bob:
            bob.subscribe(("127.0.0.1", udp[1]))
            answer, _ = await bob.message()
            assert answer.headers.get("Contact") == f"<sip:127.0.0.1:{udp[1]}>"
            notify, _ = await bob.message()
            assert (notify.via.host, notify.via.port) == ("127.0.0.1", udp[1])
        async with await Stream.connect(("127.0.0.2", tcp[1])) as carol:
            carol.send(carol.compose("SUBSCRIBE", EVENT, "Contact: <sip:carol@127.0.0.1:9;transport=tcp>"))
            answer = await carol.response()
            assert answer.headers.get("Contact") == f"<sip:127.0.0.2:{tcp[1]};transport=tcp>"
            # A probe that names an address of this machine means us; any other address does not.
            for host, status in (("127.0.0.1", 200), ("198.51.100.7", 404)):
                carol.send(carol.compose("OPTIONS", uri=f"sip:{host}:{tcp[1]}"))
                messages = [await carol.message() for _ in range(1)]
                while not isinstance(messages[-1], Response):
                    messages.append(await carol.message())
                assert messages[-1].status == status
        assert here.server.transports.is_own("127.0.0.1")


@virtual_beside_threads
async def test_the_advertised_address_is_what_everybody_reads() -> None:
    advertised = ("198.51.100.7", 5099)
    listens = (
        plain(Transport.UDP, "0.0.0.0", advertised=advertised),
        plain(Transport.TCP, advertised=advertised),
    )
    async with listening_world(*listens) as (here, (udp, tcp)):
        with Datagrams("127.0.0.1") as bob:
            bob.subscribe(("127.0.0.1", udp[1]))
            answer, _ = await bob.message()
            assert answer.headers.get("Contact") == "<sip:198.51.100.7:5099>"
            notify, source = await bob.message()
            assert (notify.via.host, notify.via.port) == advertised and source[1] == udp[1]
        async with await Stream.connect(tcp) as carol:
            carol.send(carol.compose("SUBSCRIBE", EVENT, "Contact: <sip:carol@127.0.0.1:9;transport=tcp>"))
            answer = await carol.response()
            assert answer.headers.get("Contact") == "<sip:198.51.100.7:5099;transport=tcp>"
            notify = await carol.notify()
            assert (notify.via.host, notify.via.port) == advertised
        assert here.server.transports.is_own("198.51.100.7:5099")


@virtual_beside_threads
async def test_ob_over_udp_means_the_source_address_and_not_the_contact() -> None:
    # COMPAT(pjsua 2.x): behind NAT its Contact names an address that nobody outside can reach.
    async with listening_world(plain(Transport.UDP)) as (_, (address,)):
        with Datagrams("127.0.0.1") as bob:
            bob.subscribe(address, "<sip:bob@10.255.255.1:5060;ob>")
            await bob.message()
            notify, _ = await bob.message()
            assert isinstance(notify, Request) and notify.uri == "sip:bob@10.255.255.1:5060;ob"


@virtual_beside_threads
async def test_ob_over_a_connection_that_is_gone_ends_the_subscription_at_once() -> None:
    async with listening_world(plain(Transport.TCP)) as (here, (address,)):
        callable_port = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = callable_port.sockets[0].getsockname()[1]
        async with await Stream.connect(address) as bob:
            contact = f"Contact: <sip:bob@127.0.0.1:{port};transport=tcp;ob>"
            bob.send(bob.compose("SUBSCRIBE", EVENT, "Expires: 3600", contact))
            await bob.response()
            await bob.notify()
        await asyncio.sleep(2)
        await here.phone("alice").publish(document("In"))
        await asyncio.sleep(0.5)
        assert not here.store.all_subscriptions(), "though somebody listens at the Contact"
        callable_port.close()


def test_addresses_of_this_machine() -> None:
    assert is_local_address("127.0.0.1") and is_local_address("::1")
    assert not is_local_address("198.51.100.7") and not is_local_address("example.org")
