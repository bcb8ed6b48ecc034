"""An HTTP source with levers, for the conformance suite."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from connectors.base import Context, Link
from tests.connectors.support import new_world, serve

Answer = Callable[[web.BaseRequest, bytes, int], web.Response]


class HttpSource:
    """Satisfies `connectors.conformance.Source`. ``answer`` gets the request, its body and how often
    ``change`` was called."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._changes = 0
        self._lever = ""
        self.link: Link
        self.context: Context

    async def handle(self, request: web.BaseRequest) -> web.Response:
        if self._lever == "silent":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if self._lever == "refuse" or "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if self._lever == "nonsense":
            return web.Response(status=207 if request.method != "GET" else 200, body=b"\x00<nonsense")
        return self._answer(request, await request.read(), self._changes)

    async def change(self) -> None:
        self._changes += 1

    async def refuse_sign_in(self) -> None:
        self._lever = "refuse"

    async def fall_silent(self) -> None:
        self._lever = "silent"

    async def talk_nonsense(self) -> None:
        self._lever = "nonsense"

    async def mend(self) -> None:
        self._lever = ""


@asynccontextmanager
async def http_source(answer: Answer, link: Callable[[str], Link]) -> AsyncIterator[HttpSource]:
    """A running source; ``link`` makes the link from its base URL."""
    source = HttpSource(answer)
    async with serve(source.handle) as url, new_world() as world:
        source.link = link(url)
        source.context = world.context()
        yield source
