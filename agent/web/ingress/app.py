"""From an HTTP request to the source's ``receive``: the checks in their order, cheapest first.

how often from this address → who is it, and for whom → how often from this sender → type → body (size, time,
memory) → signature → depth → its turn → receive
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from agent.clock import Clock
from agent.server.flood_guard import FloodGuard
from agent.telemetry.logs import Repeats
from agent.web.ingress.admission import Admission, Admitted
from agent.web.ingress.body import Memory, check_depth, held, read_body
from agent.web.ingress.credentials import basic_user, without_tokens
from agent.web.ingress.destinations import Destination, Destinations
from agent.web.ingress.refusal import Refusal, overloaded, too_many
from agent.web.ingress.replay import Replays
from agent.web.ingress.tokens import IngressTokens
from agent.web.ingress.turns import Turns
from connectors.errors import ConnectorError, Unreachable
from connectors.ingress import Received, Reply

log = logging.getLogger("lamplighter.ingress")

RECEIVE_WITHIN = 15.0
"Seconds that a source's own work on one request may take; others of the same source wait meanwhile."


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken at most."""

    body: int = 1024 * 1024
    "Bytes, unpacked or not."
    memory: int = 64 * 1024 * 1024
    "Bytes of all bodies at the same time."
    per_address: float = 50.0
    "Requests a second for good; ten times as many at once."
    per_sender: float = 20.0
    "Likewise, for each token, or for an entry with its own secret."
    waiting: int = 200
    "Requests of one source that wait for their turn."


class Meter(Protocol):
    """Takes the figures."""

    def ingress_answered(self, source: str, status: int) -> None:
        """``source`` empty: it was for nobody."""

    def ingress_dropped(self, source: str) -> None:
        """A request had to give up its place in the line, or found none."""


class Ingress:
    """An ASGI application."""

    def __init__(
        self,
        destinations: Destinations,
        tokens: IngressTokens,
        clock: Clock,
        limits: Limits,
        meter: Meter | None = None,
    ) -> None:
        self._admission = Admission(destinations, tokens)
        self._clock, self._limits, self._meter = clock, limits, meter
        self._addresses = _guard(limits.per_address)
        self._senders = _guard(limits.per_sender)
        self._memory = Memory(limits.memory)
        self._lines: dict[str, Turns] = {}
        self._replays = Replays()
        self._repeats = Repeats()

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    @property
    def held(self) -> int:
        """Bytes of bodies that are in memory."""
        return self._memory.held

    def waiting(self) -> dict[str, int]:
        """Source -> how many of its requests wait for their turn."""
        return {source: turns.waiting for source, turns in self._lines.items()}

    async def _respond(self, request: Request) -> Response:
        source = ""
        try:
            admitted = self._admit(request)
            source = admitted.destination.source
            reply = await self._take(request, admitted)
            response = Response(reply.body, reply.status, dict(reply.headers), reply.content_type or None)
        except Refusal as refusal:
            source = source or refusal.source
            self._log(source, _address(request), refusal)
            response = JSONResponse({"detail": refusal.words}, refusal.status, refusal.headers)
        response.headers["Cache-Control"] = "no-store"
        if self._meter is not None:
            self._meter.ingress_answered(source, response.status_code)
        return response

    def _admit(self, request: Request) -> Admitted:
        now = self._clock.monotonic()
        if not self._addresses.admit(_address(request), now):
            raise too_many("too many requests from this address", self._addresses.retry_after())
        admitted = self._admission.admit(
            request.method, request.url.path, request.headers, request.query_params.multi_items()
        )
        if not self._senders.admit(admitted.sender, now):
            raise too_many("too many requests of this sender", self._senders.retry_after())
        return admitted

    async def _take(self, request: Request, admitted: Admitted) -> Reply:
        destination = admitted.destination
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        allowed = destination.reception.media_types
        if allowed and not any(_matches(media_type, pattern) for pattern in allowed):
            raise Refusal(415, f"this takes {', '.join(allowed)}", {"Accept": ", ".join(allowed)})
        limit = min(self._limits.body, destination.reception.max_body or self._limits.body)
        raw, body = await read_body(request.stream(), request.headers, limit, self._memory)
        try:
            now = self._clock.now()
            signed = self._replays.check(destination, request.headers, raw, now)
            check_depth(media_type, body)
            headers, query = without_tokens(request.headers, request.query_params.multi_items())
            received = Received(
                method=request.method,
                path=admitted.rest,
                query=tuple(query),
                headers=headers,
                body=body,
                received_at=now,
                person=admitted.person,
                user=basic_user(request.headers),
                address=_address(request),
            )
            async with self._line(destination.source).turn(admitted.person or admitted.sender):
                reply = await _received(destination, received)
        finally:
            self._memory.give_back(held(raw, body))
        if signed is not None and reply.status < 300:
            self._replays.remember(destination, signed, now)
        return reply

    def _line(self, source: str) -> Turns:
        if source not in self._lines:

            def dropped() -> None:
                if self._meter is not None:
                    self._meter.ingress_dropped(source)

            self._lines[source] = Turns(self._limits.waiting, dropped)
        return self._lines[source]

    def _log(self, source: str, address: str, refusal: Refusal) -> None:
        """Never the path or the query: tokens stand there."""
        held_back = self._repeats.admit((source, address, refusal.status), self._clock.monotonic())
        if held_back is not None:
            more = f", and {held_back} times before" if held_back else ""
            meant = source or "nobody here"
            log.info("for %s from %s: %d, %s%s", meant, address, refusal.status, refusal.words, more)


async def _received(destination: Destination, received: Received) -> Reply:
    """Raises Refusal: 422, 500, 503."""
    try:
        async with asyncio.timeout(RECEIVE_WITHIN):
            return await destination.receive(received)
    except TimeoutError:
        raise overloaded("it takes too long") from None
    except Unreachable as error:
        raise overloaded(error.words) from None
    except ConnectorError as error:
        raise Refusal(422, error.what) from None
    except Exception as error:
        log.error("%s cannot take a request: %s", destination.source, type(error).__name__)
        log.debug("details", exc_info=True)
        raise Refusal(500, "an error of ours; it is in the log") from None


def _guard(rate: float) -> FloodGuard:
    return FloodGuard(rate, max(1, int(rate * 10)))


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _matches(media_type: str, pattern: str) -> bool:
    """``application/*+json`` is any JSON."""
    start, star, end = pattern.partition("*")
    return media_type.startswith(start) and media_type.endswith(end) if star else media_type == pattern
