"""How much one source address may ask: a token bucket each. Pure but for its own memory."""

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 65_536
"Addresses. Whoever has been silent longest is forgotten first, which only ever is to its advantage."


class FloodGuard:
    """``rate`` requests a second for good, ``burst`` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        "host -> (tokens left, when they were counted)"

    def admit(self, host: str, now: float) -> bool:
        """Whether one more request from ``host`` may be worked on. ``now``: monotonic seconds."""
        tokens, counted = self._buckets.pop(host, (self._burst, now))
        tokens = min(self._burst, tokens + (now - counted) * self._rate)
        admitted = tokens >= 1.0
        self._buckets[host] = (tokens - 1.0 if admitted else tokens, now)
        oldest = next(iter(self._buckets))
        # Whoever has been silent for so long has all tokens again, like one who was never seen.
        if len(self._buckets) > REMEMBERED or now - self._buckets[oldest][1] > self._burst / self._rate:
            del self._buckets[oldest]
        return admitted

    def is_spent(self, host: str, now: float) -> bool:
        """Whether `admit` would say no. Counts nothing."""
        tokens, counted = self._buckets.get(host, (self._burst, now))
        return tokens + (now - counted) * self._rate < 1.0

    def retry_after(self) -> int:
        """Seconds after which it is worth trying again."""
        return max(1, round(self._burst / self._rate / 10))
