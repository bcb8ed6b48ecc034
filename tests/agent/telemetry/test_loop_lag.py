import asyncio

import pytest

from agent.telemetry.loop_lag import watch_loop
from agent.telemetry.metrics import Metrics
from tests.support.clock import VirtualClock


async def test_the_last_lag_is_shown():
    clock, lags, metrics = VirtualClock(), [0.0, 0.25, 0.004], Metrics()

    async def sleep(seconds):
        if not lags:
            raise asyncio.CancelledError
        clock.advance(seconds + lags.pop(0))

    with pytest.raises(asyncio.CancelledError):
        await watch_loop(metrics, clock.monotonic, sleep)
    (line,) = [
        line for line in metrics.render().splitlines() if line.startswith(b"lamplighter_event_loop_lag")
    ]
    assert float(line.split()[1]) == pytest.approx(0.004)
