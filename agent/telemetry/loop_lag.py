"""How late the event loop wakes up: the first sign of something that blocks it."""

from collections.abc import Awaitable, Callable

from agent.telemetry.metrics import Metrics


async def watch_loop(
    metrics: Metrics,
    monotonic: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
    interval: float = 1.0,
) -> None:
    """Measure for good. To be run as a service of the supervisor."""
    while True:
        due = monotonic() + interval
        await sleep(interval)
        metrics.loop_lagged(max(0.0, monotonic() - due))
