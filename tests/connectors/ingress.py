"""The way in from the internet, for tests: what the service's ingress does for a receiver that checks itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from connectors.errors import BadData
from connectors.ingress import Received, Reply
from tests.connectors.support import serve
from tests.support.clock import MONDAY_NINE

Receive = Callable[[Received], Awaitable[Reply]]


@asynccontextmanager
async def way_in(receive: Receive) -> AsyncIterator[str]:
    """Gives the real base URL."""

    async def handle(request: web.Request) -> web.StreamResponse:
        received = Received(
            request.method,
            "",
            tuple(request.query.items()),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            MONDAY_NINE,
        )
        try:
            reply = await receive(received)
        except BadData:
            return web.Response(status=400)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    async with serve(handle) as url:
        yield url
