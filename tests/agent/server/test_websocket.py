"""SIP over WebSocket (RFC 7118) on real loopback sockets, as a browser's softphone speaks it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSServerHandshakeError

from agent.net import websocket
from agent.server.config import ServerConfig
from agent.sip.flows import Transport
from agent.sip.messages import Request, Response, response_to
from agent.sip.parsing import parse_datagram
from tests.support.certificates import Authority
from tests.support.listeners import listening_world, plain
from tests.support.phone import document, shown
from tests.support.virtual_loop import virtual_beside_threads

BROWSER = "df7jal23ls0d.invalid"
"RFC 7118 §5.2.1: a browser does not know its address."


class Page:
    """A web page's connection. It writes no Content-Length unless there is a body."""

    def __init__(self, socket: ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self._token = token
        self._serial = 0

    async def send(self, method: str, *lines: str, body: str = "", binary: bool = False) -> None:
        self._serial += 1
        head = (
            f"{method} sip:alice@example.org SIP/2.0",
            f"Via: SIP/2.0/{self._token} {BROWSER};branch=z9hG4bKw{self._serial}",
            "Max-Forwards: 70",
            "From: <sip:bob@example.org>;tag=web",
            "To: <sip:alice@example.org>",
            f"Call-ID: web-{self._serial}",
            f"CSeq: {self._serial} {method}",
            *lines,
        )
        text = "\r\n".join((*head, "", body))
        await (self.socket.send_bytes(text.encode()) if binary else self.socket.send_str(text))

    async def message(self) -> Request | Response:
        received = await self.socket.receive(timeout=5)
        assert received.type is aiohttp.WSMsgType.TEXT, received
        return parse_datagram(received.data.encode())

    async def response(self) -> Response:
        message = await self.message()
        assert isinstance(message, Response), message
        return message

    async def notify(self) -> Request:
        message = await self.message()
        assert isinstance(message, Request) and message.method == "NOTIFY", message
        await self.socket.send_str(response_to(message.headers, 200).encode().decode())
        return message


@asynccontextmanager
async def page(
    address: tuple[str, int], authority: Authority | None = None, **options: object
) -> AsyncIterator[Page]:
    scheme = "ws" if authority is None else "wss"
    async with aiohttp.ClientSession() as session:
        options = {"protocols": ("sip",), **options}
        if authority is not None:
            options["ssl"] = authority.trusting()
        async with session.ws_connect(f"{scheme}://{address[0]}:{address[1]}/sip", **options) as socket:  # type: ignore[arg-type]
            assert socket.protocol == "sip"
            yield Page(socket, scheme.upper())


WATCH = ("Event: presence", f"Contact: <sip:bob@{BROWSER};transport=ws;ob>")


@pytest.mark.parametrize("transport", [Transport.WS, Transport.WSS])
def test_a_page_watches_over_its_connection(tmp_path: Path, transport: Transport) -> None:
    authority = Authority(tmp_path) if transport is Transport.WSS else None
    credentials = authority.issue("127.0.0.1") if authority is not None else None

    @virtual_beside_threads
    async def run() -> None:
        listen = plain(transport, credentials=credentials)
        async with listening_world(listen) as (here, (address,)), page(address, authority) as bob:
            await bob.send("SUBSCRIBE", *WATCH)
            answer = await bob.response()
            assert answer.status == 200 and answer.via.transport == transport.upper()
            assert answer.via.params["received"] == "127.0.0.1"
            assert answer.headers.get("Contact") == f"<sip:127.0.0.1:{address[1]};transport=ws>"
            notify = await bob.notify()
            assert notify.uri == f"sip:bob@{BROWSER};transport=ws;ob"
            assert notify.via.transport == transport.upper()
            await here.phone("alice").publish(document("In"))
            assert shown(await bob.notify()) == [("open", "In")]
            assert await here.at_rest() == (0, 0, 0)

    run()


@virtual_beside_threads
async def test_text_and_binary_messages_are_the_same() -> None:
    async with listening_world(plain(Transport.WS)) as (_, (address,)), page(address) as bob:
        for binary in (False, True):
            await bob.send("OPTIONS", binary=binary)
            assert (await bob.response()).status == 200


@virtual_beside_threads
async def test_a_page_publishes() -> None:
    async with listening_world(plain(Transport.WS)) as (here, (address,)), page(address) as alice:
        body = document("from the web").decode()
        await alice.send("PUBLISH", "Event: presence", "Content-Type: application/pidf+xml", body=body)
        assert (await alice.response()).headers.get("SIP-ETag")
        bob = here.phone("bob")
        await bob.subscribe(expires=0)
        assert shown(await bob.notify()) == [("open", "from the web")]


@virtual_beside_threads
async def test_pings_of_both_kinds_are_answered() -> None:
    async with listening_world(plain(Transport.WS)) as (_, (address,)), page(address, autoping=False) as bob:
        await bob.socket.send_str("\r\n\r\n")
        assert (await bob.socket.receive(timeout=5)).data == "\r\n"
        await bob.socket.ping(b"here")
        pong = await bob.socket.receive(timeout=5)
        assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"here")


@virtual_beside_threads
async def test_when_the_page_is_closed_the_subscription_ends_with_the_next_change() -> None:
    async with listening_world(plain(Transport.WS)) as (here, (address,)):
        async with page(address) as bob:
            await bob.send("SUBSCRIBE", *WATCH)
            await bob.response()
            await bob.notify()
            assert here.server.driver.open_connections == 1
        await here.phone("alice").publish(document("In"))
        assert await here.at_rest() == (0, 0, 0)
        assert here.server.driver.open_connections == 0
        assert not here.store.all_subscriptions()


@virtual_beside_threads
async def test_what_speaks_no_sip_is_refused() -> None:
    listen = plain(Transport.WS, origins=("https://phone.example.org",))
    async with listening_world(listen) as (here, (address,)), aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{address[1]}/") as answer:
            assert answer.status == 426
        for options, status in (
            ({"protocols": ()}, 400),
            ({"protocols": ("xmpp",)}, 400),
            ({"origin": "https://evil.example"}, 403),
        ):
            with pytest.raises(WSServerHandshakeError) as refused:
                async with page(address, **options):
                    pass
            assert refused.value.status == status
        for options in ({"origin": "https://Phone.example.org"}, {}):
            async with page(address, **options) as bob:
                await bob.send("OPTIONS")
                assert (await bob.response()).status == 200
        assert here.server.driver.open_connections <= 2


@virtual_beside_threads
async def test_noise_and_too_much_of_it() -> None:
    async with listening_world(plain(Transport.WS)) as (here, (address,)):
        async with page(address) as bob:
            await bob.socket.send_bytes(bytes(range(256)))
            await bob.send("OPTIONS")
            assert (await bob.response()).status == 200
            await bob.socket.send_str("x" * 70_000)
            assert (await bob.socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        assert await here.at_rest() == (0, 0, 0)
        assert here.server.driver.open_connections == 0


@virtual_beside_threads
async def test_there_is_a_limit_to_pages() -> None:
    config = ServerConfig(domains=frozenset({"example.org"}), max_connections=1)
    async with listening_world(plain(Transport.WS), config=config) as (_, (address,)), page(address):
        with pytest.raises(WSServerHandshakeError, match="503"):
            async with page(address):
                pass


def test_a_page_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "WAITING_LIMIT", 100_000)

    @virtual_beside_threads
    async def run() -> None:
        async with listening_world(plain(Transport.WS)) as (here, (address,)):
            async with page(address) as deaf:
                reader = deaf.socket._conn.protocol  # type: ignore[union-attr]
                assert reader is not None
                reader.transport.pause_reading()  # type: ignore[union-attr]
                for _ in range(200):
                    if here.server.driver.open_connections == 0:
                        break
                    with contextlib.suppress(ConnectionError):
                        for _ in range(100):
                            await deaf.send("OPTIONS", f"X-Long: {'x' * 100}")
                    await asyncio.sleep(0.01)
                assert here.server.driver.open_connections == 0
            assert await here.at_rest() == (0, 0, 0)

    run()
