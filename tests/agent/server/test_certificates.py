"""Who a client is by the certificate that it shows (mutual TLS): users without a password, and trusted peers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.server.server import Passwords
from agent.server.transports import Listen
from agent.sip.flows import Transport
from agent.sip.messages import Response
from tests.support.certificates import Authority
from tests.support.listeners import listening_world, plain
from tests.support.phone import document
from tests.support.stream import Stream
from tests.support.virtual_loop import virtual_beside_threads
from tests.support.world import World

EVENT = "Event: presence"
TYPE = "Content-Type: application/pidf+xml"
BOSS = "P-Asserted-Identity: <sip:alice@example.org>"


def listener(authority: Authority, transport: Transport = Transport.TLS) -> Listen:
    return plain(transport, credentials=authority.issue("127.0.0.1"), client_ca=authority.path)


@asynccontextmanager
async def connected(
    folder: Path, *names: str, uris: tuple[str, ...] = (), trusted: tuple[str, ...] = ()
) -> AsyncIterator[tuple[World, Stream]]:
    """bob, with a certificate for ``names`` and ``uris``, at a server that trusts ``trusted``."""
    authority = Authority(folder)
    passwords = Passwords("example.org", lambda username, name: None, trusted_certificates=trusted)
    shown = authority.issue(*names, uris=uris, file="client")
    async with (
        listening_world(listener(authority), passwords=passwords) as (here, (address,)),
        await Stream.connect(address, authority.trusting(shown)) as bob,
    ):
        yield here, bob


async def published(bob: Stream, *lines: str, uri: str = "sip:bob@example.org") -> Response:
    bob.send(bob.compose("PUBLISH", EVENT, TYPE, *lines, uri=uri, body=document("x", entity=uri)))
    return await bob.response()


@virtual_beside_threads
async def test_a_certificate_for_a_sip_uri_is_that_user(tmp_path: Path) -> None:
    async with connected(tmp_path, uris=("sip:bob@example.org",)) as (_, bob):
        assert (await published(bob)).status == 200
        assert (await published(bob, uri="sip:alice@example.org")).status == 403, "not for others"
        assert (await published(bob, BOSS, uri="sip:alice@example.org")).status == 403, "nor may it assert"


@virtual_beside_threads
async def test_for_another_user_a_password_is_asked(tmp_path: Path) -> None:
    async with connected(tmp_path, uris=("sip:carol@example.org",)) as (_, bob):
        assert (await published(bob)).status == 401


@virtual_beside_threads
async def test_a_certificate_for_a_host_is_nobody_by_itself(tmp_path: Path) -> None:
    async with connected(tmp_path, "pbx.example.org") as (_, bob):
        assert (await published(bob)).status == 401


@virtual_beside_threads
async def test_a_trusted_peer_is_known_by_its_domain_and_may_assert(tmp_path: Path) -> None:
    async with connected(tmp_path, "pbx.example.org", trusted=("pbx.example.org",)) as (here, bob):
        assert (await published(bob, BOSS, uri="sip:alice@example.org")).status == 200
        (row,) = here.store.all_publications()
        assert row.publisher == "sip:alice@example.org"


@virtual_beside_threads
async def test_or_by_its_address(tmp_path: Path) -> None:
    uris = ("sips:pbx@example.org",)
    async with connected(tmp_path, uris=uris, trusted=("sip:pbx@example.org",)) as (here, bob):
        assert (await published(bob, BOSS, uri="sip:alice@example.org")).status == 200
        assert [row.publisher for row in here.store.all_publications()] == ["sip:alice@example.org"]


@virtual_beside_threads
async def test_a_name_counts_as_a_whole(tmp_path: Path) -> None:
    async with connected(tmp_path, "pbx.example.org.evil.com", trusted=("pbx.example.org",)) as (_, bob):
        assert (await published(bob)).status == 401
