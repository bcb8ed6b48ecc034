"""The HTTP port for machines that watch the service: ``/metrics`` for Prometheus, ``/healthz`` for supervisors."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from agent.errors import UserError
from agent.telemetry.metrics import CONTENT_TYPE, Metrics

Health = Callable[[], tuple[bool, Mapping[str, Any]]]
"""Whether the service does its job, and details fit for JSON, e.g. failing tasks and links. No secrets: whoever
reaches the port reads them."""


@asynccontextmanager
async def http_endpoint(host: str, port: int, metrics: Metrics, health: Health) -> AsyncIterator[int]:
    """Listen until the block ends; gives the port (``port`` 0 lets the system choose).

    ``/healthz`` is 200 while ``health()`` says so and 503 otherwise. Raises `UserError` when it cannot listen.
    """

    async def show_metrics(request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def show_health(request: web.Request) -> web.Response:
        well, details = health()
        status = {"status": "ok" if well else "degraded", **details}
        return web.json_response(status, status=200 if well else 503)

    application = web.Application()
    application.router.add_get("/metrics", show_metrics)
    application.router.add_get("/healthz", show_health)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UserError(f"cannot listen for HTTP on {host} port {port}: {reason}") from None
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def watch_loop(
    metrics: Metrics,
    monotonic: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
    interval: float = 1.0,
) -> None:
    """Measure for good how late the event loop wakes up. To be run as a service of the supervisor."""
    while True:
        due = monotonic() + interval
        await sleep(interval)
        metrics.loop_lagged(max(0.0, monotonic() - due))
