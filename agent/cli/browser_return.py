"""Waits for a browser on this machine to come back from a provider's page (RFC 8252 §7.3: loopback redirection)."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from connectors.errors import AuthFailed

PATIENCE = 900.0
"Seconds for the person to sign in."
_DONE = "<!doctype html><title>Lamplighter</title><p>Thank you. You may close this window."

Returned = Callable[[str], Awaitable[Mapping[str, str]]]
"The parameters of the return whose state is this one."


@asynccontextmanager
async def awaited_return() -> AsyncIterator[tuple[str, Returned]]:
    """The redirect address, and how to wait there. By name, as Microsoft compares it without its port."""
    came: asyncio.Queue[dict[str, str]] = asyncio.Queue(maxsize=20)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/" or request.method not in ("GET", "POST"):
            return web.Response(status=404)
        given = await request.post() if request.method == "POST" else request.query
        parameters = {name: value for name, value in given.items() if isinstance(value, str)}
        if "state" not in parameters or came.full():
            return web.Response(status=400)
        came.put_nowait(parameters)
        return web.Response(text=_DONE, content_type="text/html", headers={"Referrer-Policy": "no-referrer"})

    async def returned(state: str) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    parameters = await came.get()
                    if hmac.compare_digest(parameters["state"].encode(), state.encode()):
                        return parameters
        except TimeoutError:
            raise AuthFailed("nobody has signed in by the browser", advice="Run the command again.") from None

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://localhost:{port}/", returned
    finally:
        await runner.cleanup()
