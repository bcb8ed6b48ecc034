"""The guarded HTTP client against real sockets."""

import asyncio
import contextlib
import gzip

import pytest
from aiohttp import web

from connectors.addresses import AllowList
from connectors.errors import (
    AuthFailed,
    BadData,
    ConnectorError,
    Forbidden,
    Misconfigured,
    NotFound,
    Refused,
    Unreachable,
)
from connectors.http import Http, Response, expect
from tests.connectors.support import LOOPBACK, serve


@pytest.fixture
async def http():
    made = Http(LOOPBACK, timeout=10)
    yield made
    await made.close()


@pytest.fixture
async def guarded():
    made = Http(timeout=10)
    yield made
    await made.close()


class Site:
    """Answers by path and keeps what was asked."""

    def __init__(self, **answers: web.Response) -> None:
        self.asked: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self.answers = answers

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request)
        self.bodies.append(await request.read())
        made = self.answers[request.path.strip("/") or "root"]
        return web.Response(status=made.status, headers=made.headers, body=made.body)


def redirect(to: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": to})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::1]",
     "017700000001"],
)  # fmt: skip
async def test_no_way_to_write_this_machine_gets_past_the_guard(guarded, host):
    site = Site(root=web.Response())
    async with serve(site) as url:
        port = url.rpartition(":")[2]
        with pytest.raises((Refused, Misconfigured, Unreachable)) as caught:
            await guarded.request("GET", f"http://{host}:{port}/")
        if not isinstance(caught.value, Refused):
            # The HTTP library or the resolver does not take that spelling, or this machine has no IPv6.
            assert host not in ("127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]")
    assert site.asked == []


async def test_a_redirect_into_the_private_network_is_refused(http):
    async with serve(Site(root=redirect("http://169.254.169.254/latest/meta-data"))) as url:
        with pytest.raises(Refused, match=r"169\.254\.169\.254"):
            await http.request("GET", url)


async def test_an_allowed_host_name_allows_its_addresses_and_no_other_name():
    site = Site(root=web.Response(text="hello"))
    async with serve(site) as url:
        port = url.rpartition(":")[2]
        http = Http(AllowList.parse(["LOCALHOST."]))
        try:
            response = await http.request("GET", f"http://localhost:{port}/", authorization="Basic x")
            assert response.body == b"hello"
            with pytest.raises(Refused):
                await http.request("GET", f"http://127.0.0.1:{port}/")
        finally:
            await http.close()


async def test_a_redirect_keeps_method_and_body_and_loses_the_password_at_another_origin(http):
    there = Site(root=web.Response(text="found"))
    async with serve(there) as other:
        here = Site(root=redirect("/again", 301), again=redirect(other, 302))
        async with serve(here) as url:
            response = await http.request("PROPFIND", url, body=b"<x/>", authorization="Basic secret")
    assert (response.status, response.body, response.url.rstrip("/")) == (200, b"found", other)
    assert [(r.method, r.headers.get("Authorization")) for r in here.asked] == [
        ("PROPFIND", "Basic secret")
    ] * 2
    assert there.asked[0].method == "PROPFIND" and there.bodies == [b"<x/>"]
    assert "Authorization" not in there.asked[0].headers


async def test_endless_redirects_end(http):
    site = Site(root=redirect("/"))
    async with serve(site) as url:
        with pytest.raises(Unreachable, match="redirects"):
            await http.request("GET", url)
    assert len(site.asked) == 4


async def test_cookies_are_not_kept(http):
    site = Site(root=web.Response(headers={"Set-Cookie": "session=bob; Path=/"}))
    async with serve(site) as url:
        await http.request("GET", url)
        await http.request("GET", url)
    assert "Cookie" not in site.asked[1].headers


async def test_a_body_over_the_limit_is_refused_packed_or_not(http):
    big = b"x" * 2_000_000
    packed = web.Response(body=gzip.compress(big), headers={"Content-Encoding": "gzip"})
    async with serve(Site(plain=web.Response(body=big), packed=packed)) as url:
        for path in ("plain", "packed"):
            with pytest.raises(BadData, match="larger than 976 KiB"):
                await http.request("GET", f"{url}/{path}", max_body=1_000_000)
        assert (await http.request("GET", f"{url}/packed")).body == big


async def test_broken_packing_is_bad_data(http):
    broken = web.Response(body=b"not gzip", headers={"Content-Encoding": "gzip"})
    odd = web.Response(body=b"?", headers={"Content-Encoding": "br"})
    async with serve(Site(broken=broken, odd=odd)) as url:
        for path in ("broken", "odd"):
            with pytest.raises(BadData):
                await http.request("GET", f"{url}/{path}")


async def test_a_server_that_says_nothing_is_unreachable():
    http = Http(LOOPBACK, timeout=0.2)

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    try:
        with pytest.raises(Unreachable, match="in time"):
            await http.request("GET", f"http://127.0.0.1:{port}/")
    finally:
        await http.close()
        silent.close()
        await asyncio.sleep(0)


async def test_a_kept_connection_that_the_server_closed_is_replaced(http):
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The client ends the last connection itself, in the middle of what this waits for.
        with contextlib.suppress(asyncio.IncompleteReadError), contextlib.closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 207 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")
            await reader.readuntil(b"\r\n\r\n")
        gone.release()

    gone = asyncio.Semaphore(0)
    server = await asyncio.start_server(once, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        assert (await http.request("PROPFIND", url)).body == b"ok"
        assert (await http.request("PROPFIND", url)).body == b"ok"
    finally:
        await http.close()
        server.close()
        for _ in range(2):
            await asyncio.wait_for(gone.acquire(), 5)


async def test_a_closed_client_opens_nothing_again():
    http = Http(LOOPBACK)
    async with serve(Site(root=web.Response())) as url:
        await http.request("GET", url)
        await http.close()
        with pytest.raises(Unreachable, match="stopping"):
            await http.request("GET", url)


async def test_a_name_that_does_not_exist_is_unreachable_in_words(http):
    with pytest.raises(Unreachable, match="name is not known"):
        await http.request("GET", "http://nowhere.invalid/")


async def test_plain_text_on_a_tls_address_is_a_tls_failure(http):
    async with serve(Site(root=web.Response())) as url:
        with pytest.raises(Unreachable, match="encrypted"):
            await http.request("GET", url.replace("http:", "https:"))


@pytest.mark.parametrize(
    "url", ["ftp://x/", "nonsense", "http://", "http://alice:pw@127.0.0.1/", "file:///etc/passwd"]
)
async def test_what_is_no_web_address_is_misconfigured(http, url):
    with pytest.raises(Misconfigured) as caught:
        await http.request("GET", url)
    assert "pw" not in caught.value.words


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthFailed), (403, Forbidden), (404, NotFound), (410, NotFound), (429, Unreachable), (500, Unreachable),
     (503, Unreachable), (418, BadData), (302, BadData)],
)  # fmt: skip
def test_each_status_is_the_error_that_tells_what_to_do(status, error):
    with pytest.raises(error):
        expect(Response(status, {}, b"", "https://cal.example.org/secret?token=1"), 207)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:05:00 GMT", "Date": "Mon, 02 Mar 2026 09:00:00 GMT"}, 300.0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:05:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, expected):
    with pytest.raises(Unreachable) as caught:
        expect(Response(503, headers, b"", "https://cal.example.org/secret?token=1"), 200)
    assert caught.value.retry_after == expected
    assert "secret" not in caught.value.words


def test_every_error_has_words():
    def words(error: type[ConnectorError]) -> list[str]:
        return [error("it broke").words, *(text for sub in error.__subclasses__() for text in words(sub))]

    assert all(text.startswith("It broke.") for text in words(ConnectorError))
