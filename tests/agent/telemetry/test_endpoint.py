import aiohttp
import pytest

from agent.errors import UserError
from agent.telemetry.endpoint import http_endpoint, watch_loop
from agent.telemetry.metrics import Metrics
from tests.support.clock import VirtualClock


async def get(port, path):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_metrics_and_health():
    metrics, well = Metrics(), [True]
    metrics.notify_sent(0.01)
    async with http_endpoint(
        "127.0.0.1", 0, metrics, lambda: (well[0], {"failing": ["office/alice"]})
    ) as port:
        status, kind, text = await get(port, "/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "lamplighter_notify_lateness_seconds_count 1.0" in text
        assert await get(port, "/healthz") == (
            200, "application/json; charset=utf-8", '{"status": "ok", "failing": ["office/alice"]}',
        )  # fmt: skip
        well[0] = False
        status, _, text = await get(port, "/healthz")
        assert (status, '"degraded"' in text) == (503, True)
        assert (await get(port, "/else"))[0] == 404


async def test_a_taken_port_is_told_plainly():
    async with http_endpoint("127.0.0.1", 0, Metrics(), lambda: (True, {})) as port:
        with pytest.raises(UserError, match=f"cannot listen for HTTP on 127.0.0.1 port {port}: "):
            async with http_endpoint("127.0.0.1", port, Metrics(), lambda: (True, {})):
                pass


async def test_lag_of_the_loop():
    clock, lags, metrics = VirtualClock(), iter((0.0, 0.25, 0.004)), Metrics()

    async def sleep(seconds):
        clock.advance(seconds + next(lags))

    with pytest.raises(RuntimeError):  # the third lag is the last; the iterator ends the endless loop
        await watch_loop(metrics, clock.monotonic, sleep)
    (line,) = [
        line for line in metrics.render().splitlines() if line.startswith(b"lamplighter_event_loop_lag")
    ]
    assert float(line.split()[1]) == pytest.approx(0.004)
