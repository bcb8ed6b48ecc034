"""Figures for Prometheus. Counting is plain arithmetic; everything else happens when somebody scrapes.

A NOTIFY costs well under a microsecond here, because `Metrics` keeps ints and lists and a collector turns them
into Prometheus samples only on request. What the store or the transaction layer counts anyway (rows by state)
is not counted again: the composition root hands over a function that is asked at scrape time.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.telemetry.histogram import Histogram
from agent.telemetry.sip_messages import SipMessages

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LATENESS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"The lamp should follow within 50 ms; ten seconds is the limit of a full-hour storm."
EVALUATION_BUCKETS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.1)
COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
ROWS_BUCKETS = (1, 10, 100, 1000, 10000)

HEARD = frozenset({"changed", "unchanged", "suspect", "partial"})
"Outcomes of a poll that heard the source."

Rows = Mapping[tuple[str, ...], float]
"Label values to value, in the order of the family's labels."


class Metrics:
    """One per process, made and handed out by the composition root. Call from the event loop only."""

    def __init__(self) -> None:
        self._lateness = Histogram(LATENESS_BUCKETS)
        self.notify_sent = self._lateness.observe
        """A NOTIFY left. Takes seconds from the event that caused it to the send."""
        self._evaluation = Histogram(EVALUATION_BUCKETS)
        self._commit = Histogram(COMMIT_BUCKETS)
        self._commit_rows = Histogram(ROWS_BUCKETS)
        self._counts: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in _COUNTERS}
        self._messages = SipMessages()
        self.sip_message = self._messages.passed
        self.sip_answered = self._messages.answered
        self._decisions = self._counts["rule_decisions"]
        self._values: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in _GAUGES}
        self._asked: dict[str, Callable[[], Rows]] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Scrape(self._collect))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    # SIP

    def sip_malformed(self, transport: str) -> None:
        """Bytes arrived that are no SIP message, or break a limit."""
        self._count("sip_malformed", transport)

    # Connectors: the shape of `connectors.base.Meter`

    def polled(self, connector: str, outcome: str, seconds: float) -> None:
        """A poll ended after ``seconds``; ``outcome`` is one of `HEARD` or the name of what went wrong."""
        self._count("connector_polls", connector, outcome)
        if outcome not in HEARD:
            self._count("connector_failures", connector, outcome)
        self._values["connector_poll_seconds"][(connector,)] = seconds

    def lag(self, connector: str, seconds: float) -> None:
        """A poll started this long after it was due."""
        self._values["connector_lag_seconds"][(connector,)] = seconds

    # Rules, publisher, store, process

    def rule_evaluated(self, state: str, seconds: float) -> None:
        """One person was decided; ``state`` is a name from the rules file, so there are few."""
        self._decisions[(state,)] = self._decisions.get((state,), 0) + 1
        self._evaluation.observe(seconds)

    def published(self, target: str, status: int) -> None:
        """A PUBLISH of ours was answered; ``target`` is `built-in` or a host, ``status`` 0 for no answer."""
        self._count("publisher_requests", target, str(status) if status else "timeout")

    def store_committed(self, rows: int, seconds: float) -> None:
        """One group of writes became durable."""
        self._commit.observe(seconds)
        self._commit_rows.observe(rows)

    def store_failed(self) -> None:
        """One group of writes could not be made durable."""
        self._count("store_failures")

    def ingress_answered(self, source: str, status: int) -> None:
        """A request from outside was answered; ``source`` is an entry or link of the settings, or empty."""
        self._count("ingress_requests", source, str(status))

    def ingress_dropped(self, source: str) -> None:
        """A request from outside found no place in its source's line, or lost it to a newer one."""
        self._count("ingress_dropped", source)

    def task_restarted(self, name: str) -> None:
        self._count("task_restarts", name)

    def loop_lagged(self, seconds: float) -> None:
        """How much later than asked the event loop woke up."""
        self._values["event_loop_lag_seconds"][()] = seconds

    def ask(self, gauge: str, function: Callable[[], Rows]) -> None:
        """At each scrape take the values of ``gauge`` (a name in `ASKED`) from ``function()``."""
        if gauge not in ASKED:
            raise KeyError(gauge)
        self._asked[gauge] = function

    def render(self) -> bytes:
        """The exposition in Prometheus' text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)

    def _count(self, name: str, *labels: str) -> None:
        counts = self._counts[name]
        counts[labels] = counts.get(labels, 0) + 1

    def _collect(self) -> Iterator[Metric]:
        yield self._lateness.family(
            "lamplighter_notify_lateness_seconds", "From the event that caused a NOTIFY to its sending."
        )
        yield self._evaluation.family("lamplighter_rule_evaluation_seconds", "Deciding for one person.")
        yield self._commit.family("lamplighter_store_commit_seconds", "Making one group of writes durable.")
        yield self._commit_rows.family("lamplighter_store_commit_rows", "Rows in one group of writes.")
        self._counts["sip_messages"] = self._messages.rows()
        for name, (documentation, labels) in _COUNTERS.items():
            yield _filled(
                CounterMetricFamily(f"lamplighter_{name}", documentation, labels=labels), self._counts[name]
            )
        for name, (documentation, labels) in _GAUGES.items():
            yield _filled(
                GaugeMetricFamily(f"lamplighter_{name}", documentation, labels=labels), self._values[name]
            )
        for name, function in self._asked.items():
            documentation, labels = ASKED[name]
            yield _filled(GaugeMetricFamily(f"lamplighter_{name}", documentation, labels=labels), function())


_COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sip_messages": ("SIP messages that passed.", ("direction", "method", "status")),
    "sip_malformed": ("Arrivals that were no acceptable SIP message.", ("transport",)),
    "connector_polls": ("Polls of outside sources.", ("connector", "outcome")),
    "connector_failures": ("Failed polls.", ("connector", "reason")),
    "rule_decisions": ("Decisions by the state decided.", ("state",)),
    "publisher_requests": ("PUBLISH requests of ours by their answer.", ("target", "status")),
    "store_failures": ("Groups of writes that could not be made durable.", ()),
    "ingress_requests": ("HTTP requests of sources by their answer.", ("source", "status")),
    "ingress_dropped": ("HTTP requests of sources that had no place to wait.", ("source",)),
    "task_restarts": ("Background services that failed and were started again.", ("task",)),
}
_GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "connector_poll_seconds": ("How long the last poll took.", ("connector",)),
    "connector_lag_seconds": ("How late the last poll was.", ("connector",)),
    "event_loop_lag_seconds": ("How late the event loop last woke up.", ()),
}
ASKED: dict[str, tuple[str, tuple[str, ...]]] = {
    "publications": ("Live publications.", ("package",)),
    "subscriptions": ("Live subscriptions.", ("package", "state")),
    "kept": ("What the presence server keeps in memory, by kind.", ("what",)),
    "store_available": ("Whether state can be made durable at present.", ()),
    "transactions": ("SIP transactions in progress.", ("kind",)),
    "connector_links": ("Linked sources by health.", ("connector", "health")),
    "people": ("People by the state they are in.", ("state",)),
}
"Gauges whose values somebody else knows: name to documentation and labels."


class _Scrape(Collector):
    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        return self._collect()


def _filled(family: Any, rows: Mapping[tuple[str, ...], float]) -> Metric:
    if not family._labelnames and not rows:
        rows = {(): 0}
    for labels, value in sorted(rows.items()):
        family.add_metric(labels, value)
    assert isinstance(family, Metric)
    return family
