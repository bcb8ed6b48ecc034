"""TLS on real sockets: versions, both directions of authentication, and certificates renewed while it runs."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from agent.clock import SystemClock
from agent.net import tcp
from agent.net.driver import Driver
from agent.net.tls import Credentials, ServerContext, UnusableCertificate, client_context
from agent.net.user_agent import new_endpoint
from tests.support.certificates import Authority
from tests.support.stream import Stream


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[tuple[Driver, tuple[str, int]]]:
    driver = Driver(new_endpoint(), SystemClock())
    listener = await tcp.TcpListener.open(driver, "127.0.0.1", 0, tls=context)
    try:
        yield driver, listener.address
    finally:
        listener.close()
        driver.close()
        await asyncio.sleep(0.05)


async def pinged(stream: Stream) -> bool:
    """Whether SIP is spoken there."""
    stream.send(b"\r\n\r\n")
    return await stream.raw(2) == b"\r\n"


async def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with listening(ServerContext(authority.issue("127.0.0.1"))) as (_, address):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = authority.trusting()
            context.minimum_version = context.maximum_version = version
            async with await Stream.connect(address, context) as stream:
                assert await pinged(stream)
        old = authority.trusting()
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await Stream.connect(address, old)


async def test_a_client_has_to_show_a_certificate_of_the_named_authority(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    context = ServerContext(authority.issue("127.0.0.1"), client_ca=authority.path)
    async with listening(context) as (driver, address):
        async with await Stream.connect(address, authority.trusting(authority.issue("pbx", file="c"))) as pbx:
            assert await pinged(pbx)
        for shown in (None, stranger.issue("pbx")):
            try:
                intruder = await Stream.connect(address, authority.trusting(shown))
            except OSError:
                continue
            # TLS 1.3: the client learns of it only after its own side of the handshake.
            assert await intruder.ended() == b""
            await intruder.close()
        assert driver.open_connections == 0


async def renewed_while_running(folder: Path) -> None:
    authority = Authority(folder)
    context = ServerContext(authority.issue("127.0.0.1"))
    async with listening(context) as (_, address):
        before = await Stream.connect(address, authority.trusting())
        assert not context.reload()
        authority.issue("127.0.0.1")
        assert context.reload() and not context.reload()
        async with await Stream.connect(address, authority.trusting()) as after:
            assert after.certificate != before.certificate
            assert await pinged(after) and await pinged(before)
        await before.close()


async def test_a_renewed_certificate_is_shown_to_new_connections(tmp_path: Path) -> None:
    await renewed_while_running(tmp_path)


def test_the_same_on_uvloop(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(renewed_while_running(tmp_path))


async def test_what_cannot_be_used_leaves_the_last_good_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    credentials = authority.issue("127.0.0.1")
    context = ServerContext(credentials)
    other = authority.issue("127.0.0.1", file="other")
    assert credentials.key is not None and other.key is not None
    async with listening(context) as (_, address):
        os.replace(other.key, credentials.key)
        with pytest.raises(UnusableCertificate, match="key values mismatch"):
            context.reload()
        assert not context.reload(), "told once"
        async with await Stream.connect(address, authority.trusting()) as stream:
            assert await pinged(stream)
        credentials.key.unlink()
        with pytest.raises(UnusableCertificate, match="no such file"):
            context.reload()
        os.replace(other.certificate, credentials.certificate)
        authority.issue("127.0.0.1")
        assert context.reload()


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good = authority.issue("127.0.0.1")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(UnusableCertificate, match=r"text\.pem is of no use"):
        ServerContext(Credentials(tmp_path / "text.pem"))
    with pytest.raises(UnusableCertificate, match=r"no certificate in PEM in .*text\.pem"):
        client_context([tmp_path / "text.pem"])
    with pytest.raises(UnusableCertificate, match=r"cannot read .*none\.pem: no such file"):
        ServerContext(good, client_ca=tmp_path / "none.pem")


@pytest.mark.parametrize(
    ("names", "uris", "asked", "right"),
    [
        (("example.org",), (), "example.org", True),
        ((), ("sip:example.org",), "example.org", True),
        (("ps1.example.org",), (), "example.org", False),
        (("*.example.org",), (), "ps1.example.org", False),
        (("example.org",), ("sip:other.org",), "example.org", False),
        (("127.0.0.1",), (), "", True),
        (("127.0.0.2",), (), "", False),
    ],
)
async def test_the_certificate_must_be_for_the_domain_that_was_asked_for(
    tmp_path: Path, names: tuple[str, ...], uris: tuple[str, ...], asked: str, right: bool
) -> None:
    authority = Authority(tmp_path)
    ours = client_context([authority.path])
    client = Driver(new_endpoint(), SystemClock())
    async with listening(ServerContext(authority.issue(*names, uris=uris))) as (_, address):
        if right:
            connection = await tcp.connect(client, *address, tls=ours, name=asked)
            assert connection.flow is not None and client.open_connections == 1
            connection.close()
            await connection.lost
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="certificate is not for"):
                await tcp.connect(client, *address, tls=ours, name=asked)
        assert client.open_connections == 0
    client.close()


async def test_an_unknown_authority_is_not_believed(tmp_path: Path) -> None:
    client = Driver(new_endpoint(), SystemClock())
    async with listening(ServerContext(Authority(tmp_path).issue("127.0.0.1"))) as (_, address):
        with pytest.raises(ssl.SSLCertVerificationError):
            await tcp.connect(client, *address, tls=client_context())
    client.close()
