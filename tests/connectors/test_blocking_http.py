"""The guard for libraries that speak HTTP by way of requests."""

import asyncio
import gzip
import ssl
from contextlib import asynccontextmanager

import pytest
import requests
from aiohttp import web

from connectors.addresses import AllowList
from connectors.blocking_http import guarded_session, network_error
from connectors.errors import BadData, Refused, TimedOut, Unreachable
from tests.connectors.support import LOOPBACK, serve
from tests.support.certificates import Authority
from tests.support.ports import free_port


def fetched(session: requests.Session, url: str) -> requests.Response:
    with session:
        return session.get(url, timeout=5)


async def failing(url: str, allow: AllowList, ca_file=None):
    with pytest.raises(requests.RequestException) as raised:
        await asyncio.to_thread(fetched, guarded_session(allow, ca_file), url)
    return network_error(raised.value, "the host")


async def test_an_allowed_address_is_reached():
    async def handler(request):
        return web.Response(text="hello")

    async with serve(handler) as url:
        answer = await asyncio.to_thread(fetched, guarded_session(LOOPBACK), url)
        assert answer.text == "hello"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "[::1]", "0.0.0.0"]
)
async def test_private_addresses_are_not_reached_by_any_spelling(host):
    asked = []

    async def handler(request):
        asked.append(request)
        return web.Response()

    async with serve(handler) as url:
        port = url.rpartition(":")[2]
        assert isinstance(await failing(f"http://{host}:{port}/", AllowList()), Refused)
    assert asked == []


async def test_a_redirect_to_a_private_address_is_not_followed():
    inside = []

    async def secret(request):
        inside.append(request)
        return web.Response()

    async with serve(secret) as private:
        port = private.rpartition(":")[2]

        async def lure(request):
            raise web.HTTPFound(f"http://127.0.0.1:{port}/")

        async with serve(lure) as url:
            outside = AllowList.parse(["localhost"])
            named = url.replace("127.0.0.1", "localhost")
            assert isinstance(await failing(named, outside), Refused)
    assert inside == []


async def test_the_environments_proxies_are_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")

    async def handler(request):
        return web.Response(text="direct")

    async with serve(handler) as url:
        assert (await asyncio.to_thread(fetched, guarded_session(LOOPBACK), url)).text == "direct"


async def test_failures_are_told_apart(tmp_path):
    nobody = f"http://127.0.0.1:{free_port()}/"
    refused = await failing(nobody, LOOPBACK)
    assert isinstance(refused, Unreachable) and "(connection refused)" in refused.words
    unknown = await failing("http://nobody.invalid/", LOOPBACK)
    assert "the name is not known" in unknown.words
    async with silent_server() as port:
        with pytest.raises(requests.RequestException) as raised:
            await asyncio.to_thread(guarded_session(LOOPBACK).get, f"http://127.0.0.1:{port}/", timeout=0.2)
    assert isinstance(network_error(raised.value, "the host"), TimedOut)


async def test_an_answer_without_end_is_cut(monkeypatch):
    monkeypatch.setattr("connectors.blocking_http.MAX_BODY", 100_000)

    async def handler(request):
        packed = gzip.compress(bytes(10_000_000))
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serve(handler) as url:
        error = await failing(url, LOOPBACK)
    assert isinstance(error, BadData) and "larger than 97 KiB" in error.words


@asynccontextmanager
async def silent_server():
    """Takes connections and never says a word; gives its port."""
    taken = []
    server = await asyncio.start_server(lambda reader, writer: taken.append(writer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in taken:
            writer.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)


async def test_certificates_are_verified_and_an_own_authority_is_trusted(tmp_path):
    authority = Authority(tmp_path)
    credentials = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(credentials.certificate, credentials.key)

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    stranger = await failing(url, LOOPBACK)
    assert isinstance(stranger, Unreachable) and "encrypted connection" in stranger.words
    answered = await asyncio.to_thread(fetched, guarded_session(LOOPBACK, authority.path), url)
    assert answered.text == "ok"
    server.close()
