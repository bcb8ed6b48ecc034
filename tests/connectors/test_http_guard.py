"""Names lead elsewhere, connections are used again, certificates are not the right ones: what the guard sees to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from connectors import http as module
from connectors.addresses import AllowList
from connectors.errors import Refused, Unreachable
from connectors.http import Http
from tests.connectors.support import LOOPBACK, serve
from tests.support.certificates import Authority

PUBLIC = "127.0.0.2"
"Stands for a public address where a test says so; nothing listens there."


class Asked(list[str]):
    """A server that keeps what it was sent as Authorization."""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.append(request.headers.get("Authorization", ""))
        return web.Response(text="here")


@pytest.fixture
def resolved(monkeypatch):
    """What names lead to, one answer after the other, the last for good; by name."""
    answers: dict[str, list[str]] = {}
    original = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self, host, port, **rest):
        known = answers.get(str(host))
        if known is None:
            return await original(self, host, port, **rest)
        address = known.pop(0) if len(known) > 1 else known[0]
        return await original(self, address, port, **rest)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return answers


async def test_a_name_that_leads_inside_is_refused(resolved):
    asked, guarded = Asked(), Http(timeout=5)
    async with serve(asked) as url:
        for name, address in {
            "inside.example": "127.0.0.1", "mapped.example": "::ffff:127.0.0.1", "nat64.example": "64:ff9b::7f00:1",
            "sixtofour.example": "2002:7f00:1::", "link.example": "169.254.169.254", "many.example": "224.0.0.1",
        }.items():  # fmt: skip
            resolved[name] = [address]
            with pytest.raises(Refused, match="not on the public internet"):
                await guarded.request("GET", f"http://{name}:{url.rpartition(':')[2]}/")
    await guarded.close()
    assert asked == []


async def test_an_answer_that_changes_after_it_was_looked_at_does_not_help(resolved, monkeypatch):
    """Rebinding: whatever the resolver says last is what is connected to, and what is checked."""
    asked, guarded = Asked(), Http(timeout=5)
    async with serve(asked) as url:
        resolved["rebind.example"] = [PUBLIC, "127.0.0.1"]
        monkeypatch.setattr("aiohttp.connector._DNSCacheTable.expired", lambda self, key: True)
        monkeypatch.setattr(module, "is_public", lambda address: str(address) == PUBLIC)
        target = f"http://rebind.example:{url.rpartition(':')[2]}/"
        made: list[str] = []
        original = Http._socket
        monkeypatch.setattr(
            Http, "_socket", lambda self, info: (made.append(info[4][0]), original(self, info))[1]
        )
        for _ in range(3):
            with pytest.raises((Refused, Unreachable)):
                await guarded.request("GET", target)
        assert "127.0.0.1" in made, "it was tried, and stopped at the socket"
    await guarded.close()
    assert asked == []


async def test_a_connection_without_a_secret_does_not_carry_one_in_the_clear(monkeypatch):
    """Addresses are checked when a connection is made: one that was good for a plain question stays that."""
    asked, guarded = Asked(), Http(timeout=5)
    monkeypatch.setattr(module, "is_public", lambda address: True)
    async with serve(asked) as url:
        assert (await guarded.request("GET", url)).body == b"here"
        with pytest.raises(Refused, match="unencrypted"):
            await guarded.request("GET", url, authorization="Basic c2VjcmV0")
        assert (await guarded.request("GET", url)).body == b"here"
    await guarded.close()
    assert asked == ["", ""]


@asynccontextmanager
async def tls_server(folder: Path, name: str) -> AsyncIterator[tuple[int, Path]]:
    """(port, the authority's certificate) of a server with a certificate for that name."""
    authority = Authority(folder)
    issued = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    runner = web.ServerRunner(web.Server(Asked()))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1], authority.path
    finally:
        await runner.cleanup()


async def test_certificates_are_checked_and_ones_own_authority_can_be_trusted(tmp_path, resolved):
    resolved["cal.example"] = resolved["other.example"] = ["127.0.0.1"]
    async with tls_server(tmp_path, "cal.example") as (port, authority):
        strict, trusting = Http(LOOPBACK, timeout=5), Http(LOOPBACK, authority, timeout=5)
        with pytest.raises(Unreachable) as refused:
            await strict.request("GET", f"https://cal.example:{port}/")
        assert "encrypted connection to cal.example failed" in refused.value.words
        assert "CA file" in refused.value.words
        assert (await trusting.request("GET", f"https://cal.example:{port}/")).body == b"here"
        with pytest.raises(Unreachable, match=r"other\.example"):
            await trusting.request("GET", f"https://other.example:{port}/")
        await strict.close()
        await trusting.close()


async def test_an_allowed_name_is_allowed_by_name_only(resolved):
    resolved["cal.internal"] = resolved["evil.example"] = ["127.0.0.1"]
    asked, named = Asked(), Http(AllowList.parse(["cal.internal"]), timeout=5)
    async with serve(asked) as url:
        port = url.rpartition(":")[2]
        assert (await named.request("GET", f"http://cal.internal:{port}/", authorization="x")).status == 200
        with pytest.raises(Refused):
            await named.request("GET", f"http://evil.example:{port}/")
    await named.close()
    assert asked == ["x"]
