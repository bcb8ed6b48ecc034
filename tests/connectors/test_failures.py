"""What goes wrong at a source of iCalendar is told apart, in words that somebody can act on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from connectors.base import Link
from connectors.health import HealthState, LinkHealth
from connectors.http import Http
from tests.connectors.support import LOOPBACK, new_world, serve

SECRET = "correct horse"
CONNECTORS = {
    "caldav": {"username": "alice"},
    "ics_feed": {"username": "alice"},
}


async def health_at(connector: str, url: str, timeout: float = 10) -> LinkHealth:
    """Of a link after its first poll."""
    async with new_world(http=Http(LOOPBACK, timeout=timeout)) as world:
        given = {**CONNECTORS[connector], "url": url}
        world.runner.add_link(Link("l", connector, "alice", given, SECRET))
        await world.step(1)
        found = world.health("l")
        assert SECRET not in repr(world.told)
        return found


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        (401, HealthState.AUTH_FAILED, "password"),
        (403, HealthState.FORBIDDEN, ""),
        (404, HealthState.NOT_FOUND, "address"),
        (429, HealthState.UNREACHABLE, "tried again"),
        (500, HealthState.UNREACHABLE, "tried again"),
        (503, HealthState.UNREACHABLE, "tried again"),
    ],
)
async def test_each_status_is_told_apart(connector, status, state, says):
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers={"WWW-Authenticate": 'Basic realm="x"'})

    async with serve(answer) as url:
        health = await health_at(connector, f"{url}/here")
    assert health.state is state, health.words
    assert "127.0.0.1" in health.words and says in health.words and health.failures == 1


@asynccontextmanager
async def listening(answer: bytes | None) -> AsyncIterator[int]:
    """A port at which something answers with these bytes, or never."""
    done = asyncio.Event()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            if answer is None:
                await done.wait()
            else:
                await reader.read(1)
                writer.write(answer)
                await writer.drain()
            writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        done.set()


@pytest.mark.parametrize("connector", CONNECTORS)
async def test_silence_and_broken_encryption_and_nobody_there_are_told_apart(connector):
    async with listening(None) as port:
        silent = await health_at(connector, f"http://127.0.0.1:{port}/", timeout=0.5)
    async with listening(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        plain = await health_at(connector, f"https://127.0.0.1:{port}/")
        nobody_port = port
    nobody = await health_at(connector, f"http://127.0.0.1:{nobody_port}/")
    assert {silent.state, plain.state, nobody.state} == {HealthState.UNREACHABLE}
    assert "in time" in silent.words
    assert "encrypted connection" in plain.words and "certificate" in plain.words
    assert "connection refused" in nobody.words
