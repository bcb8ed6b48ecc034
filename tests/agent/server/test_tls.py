"""The server over TLS: which connection and which names a dialog gets, and sips."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from agent.net.tls import ServerContext, client_context
from agent.server.server import Passwords
from agent.server.transports import Listen
from agent.sip.digest import make_ha1s
from agent.sip.flows import Transport
from tests.support.certificates import Authority
from tests.support.listeners import listening_world, plain
from tests.support.phone import document, shown
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual_beside_threads
from tests.support.world import world

EVENT = "Event: presence"
WATCHED = "<sip:bob@127.0.0.1:9;transport=tls>"


def secure(authority: Authority, transport: Transport = Transport.TLS) -> Listen:
    return plain(transport, credentials=authority.issue("127.0.0.1"))


@asynccontextmanager
async def watching_phone(
    authority: Authority, *names: str
) -> AsyncIterator[tuple[int, "asyncio.Queue[Stream]"]]:
    """A phone that listens over TLS with a certificate for ``names``: its port, and who has connected."""
    arrived: asyncio.Queue[Stream] = asyncio.Queue()
    every: list[Stream] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        every.append(Stream(reader, writer))
        arrived.put_nowait(every[-1])

    context = ServerContext(authority.issue(*names, file="phone"))
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], arrived
    finally:
        server.close()
        for stream in every:
            await stream.close()


@virtual_beside_threads
async def test_a_notify_takes_the_tls_connection_that_the_watcher_has_opened(tmp_path: Path) -> None:
    # COMPAT(baresip, pjsua, Sofia over TLS): their Contact names a port where nobody has a certificate, and they send
    # later requests to the port that our Contact names.
    authority = Authority(tmp_path)
    async with (
        listening_world(plain(Transport.TCP), secure(authority)) as (here, (_, address)),
        await Stream.connect(address, authority.trusting()) as bob,
    ):
        bob.send(bob.compose("SUBSCRIBE", EVENT, f"Contact: {WATCHED}"))
        answer = await bob.response()
        assert answer.headers.get("Contact") == f"<sip:127.0.0.1:{address[1]};transport=tls>"
        notify = await bob.notify()
        assert notify.via.transport == "TLS" and notify.via.port == address[1]
        assert notify.headers.get("Contact") == answer.headers.get("Contact")
        await here.phone("alice").publish(document("In"))
        assert shown(await bob.notify()) == [("open", "In")]


@pytest.mark.parametrize(
    ("uri", "lines"),
    [
        ("sips:alice@example.org", ("Contact: <sips:bob@127.0.0.1:9>",)),
        ("sip:alice@example.org", ("Contact: <sips:bob@127.0.0.1:9>",)),
        ("sips:alice@example.org", (f"Contact: {WATCHED}",)),
    ],
)
def test_sips_is_answered_with_a_sips_contact(tmp_path: Path, uri: str, lines: tuple[str, ...]) -> None:
    authority = Authority(tmp_path)

    @virtual_beside_threads
    async def run() -> None:
        async with (
            listening_world(secure(authority)) as (here, (address,)),
            await Stream.connect(address, authority.trusting()) as bob,
        ):
            bob.send(bob.compose("SUBSCRIBE", EVENT, *lines, uri=uri))
            answer = await bob.response()
            assert answer.headers.get("Contact") == f"<sips:127.0.0.1:{address[1]}>"
            await bob.notify()
            await here.phone("alice").publish(document("In"))
            assert shown(await bob.notify()) == [("open", "In")], "sip: and sips: are one presentity"

    run()


@virtual_beside_threads
async def test_sips_in_the_open_is_refused_unless_a_trusted_proxy_sends_it() -> None:
    ha1s = make_ha1s("bob", "example.org", "pass")
    passwords = Passwords("example.org", lambda user, name: ha1s.get(name))
    for trusted, status in ((False, 403), (True, 200)):
        networks = (ip_network("127.0.0.0/8"),) if trusted else ()
        options = {"passwords": replace(passwords, trusted=networks)}
        async with (
            listening_world(plain(Transport.TCP), **options) as (_, (address,)),
            await Stream.connect(address) as bob,
        ):
            bob.send(bob.compose("OPTIONS", uri="sips:example.org"))
            assert (await bob.response()).status == status


@virtual_beside_threads
async def test_a_sips_contact_is_called_over_tls_even_if_the_subscribe_came_in_the_open(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    async with (
        listening_world(plain(Transport.TCP), tls_client=client_context([authority.path])) as (_, (address,)),
        watching_phone(authority, "127.0.0.1") as (port, arrived),
        await Stream.connect(address) as bob,
    ):
        bob.send(bob.compose("SUBSCRIBE", EVENT, f"Contact: <sips:bob@127.0.0.1:{port}>"))
        assert (await bob.response()).status == 200
        notify = await (await arrived.get()).notify()
        assert notify.uri == f"sips:bob@127.0.0.1:{port}" and notify.via.transport == "TLS"


@virtual_beside_threads
async def test_a_watcher_without_the_right_certificate_is_told_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        world(tls_client=client_context([authority.path])) as here,
        watching_phone(authority, "127.0.0.2") as (port, arrived),
    ):
        bob = here.phone("bob")
        assert (await bob.subscribe(contact=f"<sips:bob@127.0.0.1:{port}>")).answer.status == 200
        await asyncio.sleep(1)
        assert not here.store.all_subscriptions()
        while not arrived.empty():
            assert await arrived.get_nowait().ended() == b""


@virtual_beside_threads
async def test_when_the_connection_is_gone_the_watcher_is_called_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    options = {"tls_client": client_context([authority.path])}
    async with (
        listening_world(secure(authority), **options) as (here, (address,)),
        watching_phone(authority, "127.0.0.1") as (port, arrived),
    ):
        first = await Stream.connect(address, authority.trusting())
        contact = f"<sip:bob@127.0.0.1:{port};transport=tls>"
        first.send(first.compose("SUBSCRIBE", EVENT, "Expires: 3600", f"Contact: {contact}"))
        await first.response()
        await first.notify()
        await first.close()
        await asyncio.sleep(0.1)
        await here.phone("alice").publish(document("In"))
        notify = await (await arrived.get()).notify()
        assert shown(notify) == [("open", "In")]
        assert notify.via.port == address[1], "where it could connect to us again"


@virtual_beside_threads
async def test_renewed_files_are_noticed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with listening_world(secure(authority)) as (here, (address,)):
        transports = here.server.transports
        here.spawn(transports.watch_certificates(asyncio.sleep), "certificates")
        async with await Stream.connect(address, authority.trusting()) as before:
            assert transports.reload_certificates() == []
            authority.issue("127.0.0.1")
            await asyncio.sleep(11)
            async with await Stream.connect(address, authority.trusting()) as after:
                assert after.certificate != before.certificate
        (tmp_path / "server.key").write_text("nothing")
        (problem,) = transports.reload_certificates()
        assert "server.pem" in problem
