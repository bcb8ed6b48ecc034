"""What real senders do on the wire: TLS, chunks, Expect, and connections that are kept or dropped."""

import asyncio
import ssl
from pathlib import Path

import aiohttp

from agent.app import open_app
from agent.clock import SystemClock
from agent.settings import load_settings
from connectors.reception import Reception
from tests.agent.web.ingress.door import door
from tests.support.certificates import Authority

RECEPTIONS = {"radius": (Reception(secret_opens=True), "geheim")}
HEAD = "POST /in/radius HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cjpnZWhlaW0=\r\n"


async def said(url: str, *parts: str) -> str:
    """What is answered to these parts, each sent when something came back, or at once after the first."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    heard = b""
    for part in parts:
        writer.write(part.encode())
        await writer.drain()
        if part is not parts[-1]:
            heard += await reader.readuntil(b"\r\n\r\n")
    heard += await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return heard.decode()


async def test_chunks_and_a_sender_that_waits_to_be_asked():
    """As FreeRADIUS' rlm_rest does with bodies that it makes on the way."""
    async with door(RECEPTIONS) as here:
        chunks = "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        assert " 204 " in await said(here.url, HEAD + chunks)
        waits = HEAD + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        answer = await said(here.url, waits, "{}")
        assert answer.startswith("HTTP/1.1 100") and " 204 " in answer
        assert [request.body for _, request in here.sources.got] == [b"{}", b"{}"]


async def test_who_goes_away_in_the_middle_leaves_nothing_behind():
    async with door(RECEPTIONS) as here:
        host, _, port = here.url.removeprefix("http://").partition(":")
        for _ in range(3):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write((HEAD + "Content-Length: 1000\r\n\r\n{").encode())
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        assert " 204 " in await said(here.url, HEAD + "Content-Length: 2\r\n\r\n{}")
        assert len(here.sources.got) == 1 and here.ingress.held == 0


async def test_what_is_no_http_and_what_upgrades():
    async with door(RECEPTIONS) as here:
        assert " 400 " in await said(here.url, "NONSENSE\r\n\r\n")
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eDp4\r\n"
        answer = await said(here.url, f"GET /in/radius HTTP/1.1\r\nHost: x\r\n{upgrade}\r\n")
        assert " 101 " not in answer


async def test_with_a_certificate_of_its_own(tmp_path: Path):
    authority = Authority(tmp_path / "authority")
    shown = authority.issue("127.0.0.1", file="ingress")
    (tmp_path / "lamplighter.yaml").write_text(f"""
domains: [example.org]
listeners: [{{transport: udp, host: 127.0.0.1, port: 0}}]
http: {{enabled: false}}
store: {{url: "memory:"}}
ingress: {{enabled: true, port: 0, certificate: {shown.certificate}, key: {shown.key}}}
""")
    trusting = ssl.create_default_context(cafile=str(authority.path))
    settings = load_settings(tmp_path / "lamplighter.yaml", {})
    async with open_app(settings, SystemClock()) as app, aiohttp.ClientSession() as client:
        url = f"https://127.0.0.1:{app.ingress_port}/in/nobody"
        async with client.post(url, ssl=trusting) as response:
            assert response.status == 404
