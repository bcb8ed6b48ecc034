"""Connections to servers that talk by themselves."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.clock import SystemClock
from connectors.addresses import AllowList
from connectors.connection import Connection, client_tls
from connectors.errors import Misconfigured, Refused, Unreachable
from tests.connectors.support import LOOPBACK
from tests.support.certificates import Authority
from tests.support.ports import free_port


class Echo:
    """A session that says hello and takes every answer for an event."""

    def __init__(self) -> None:
        self.ticks = 0
        self._out = b"hello\n"

    def output(self) -> bytes:
        out, self._out = self._out, b""
        return out

    def deadline(self) -> float:
        return SystemClock().monotonic() + 0.01

    def tick(self, now: float) -> None:
        self.ticks += 1

    def receive(self, data: bytes, now: float) -> list[bytes]:
        return [data]


@asynccontextmanager
async def server(farewell: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Its port; it says back what it hears. ``farewell``: and then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (line := await reader.readline()) != b"":
                writer.write(line)
                if farewell:
                    break
        finally:
            writer.close()
            await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await listening.wait_closed()


def connection(allow: AllowList = LOOPBACK) -> Connection:
    return Connection("The PBX", SystemClock(), allow)


async def test_what_is_received_happens_and_is_a_sign_of_life_until_it_is_closed() -> None:
    happened: list[bytes] = []
    alive: list[bool] = []
    one, session = connection(), Echo()
    async with server() as port:
        await one.open("127.0.0.1", port)

        def take(data: bytes) -> None:
            happened.append(data)
            asyncio.get_running_loop().call_later(0.05, one.close)

        await one.converse(session, take, lambda: alive.append(True))
    assert happened == [b"hello\n"]
    assert alive and session.ticks


async def test_a_server_that_hangs_up_is_unreachable() -> None:
    one = connection()
    async with server(farewell=True) as port:
        await one.open("127.0.0.1", port)
        with pytest.raises(Unreachable, match="The PBX closed the connection"):
            await one.converse(Echo(), lambda data: None, lambda: None)


async def test_nobody_there_and_no_such_host() -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        await connection().open("127.0.0.1", free_port())
    with pytest.raises(Unreachable, match="cannot be reached"):
        await connection().open("pbx.invalid", 5038)


async def test_private_addresses_only_where_they_are_allowed() -> None:
    async with server() as port:
        with pytest.raises(Refused, match=r"127\.0\.0\.1"):
            await connection(AllowList()).open("localhost", port)
        by_name = connection(AllowList.parse(["localhost"]))
        await by_name.open("localhost", port)
        by_name.close()


async def test_tls_needs_a_certificate_that_is_trusted_and_of_that_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = authority.issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    async with server(tls=context) as port:
        with pytest.raises(Unreachable, match="TLS"):
            await connection().open("127.0.0.1", port, client_tls())
        with pytest.raises(Unreachable, match="TLS"):
            await connection().open("localhost", port, client_tls(authority.path))
        good = connection()
        await good.open("127.0.0.1", port, client_tls(authority.path))
        good.close()


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured, match=path.name):
            client_tls(path)
