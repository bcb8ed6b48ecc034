"""What is measured, and gauges whose values somebody knows anyway."""

import logging

from agent.clock import Clock
from agent.decider import Decider
from agent.server.server import PresenceServer
from agent.store.errors import StoreUnavailable
from agent.store.store import Store
from agent.telemetry.metrics import Metrics
from connectors.runner import Runner

log = logging.getLogger("lamplighter.store")


class ServerMeter:
    """What the presence server reports, for the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self.notify_sent = metrics.notify_sent
        self.sip_answered = metrics.sip_answered


class StoreHealth:
    """Says in the log when the database stops taking writes, and when it takes them again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = 0.0

    def changed(self, trouble: StoreUnavailable | None) -> None:
        now = self._clock.monotonic()
        if trouble is not None:
            self._since = now
            log.error("nothing can be made durable, the service lives from memory: %s", trouble)
        else:
            log.warning("the store takes writes again, after %d seconds", round(now - self._since))


def ask_figures(
    metrics: Metrics, store: Store, server: PresenceServer, runner: Runner, decider: Decider
) -> None:
    """Have the metrics ask each part at every scrape."""
    metrics.ask("publications", lambda: {(package,): n for package, n in store.publication_counts().items()})
    metrics.ask("subscriptions", lambda: dict(store.subscription_counts().items()))

    def transactions() -> dict[tuple[str, ...], float]:
        clients, servers = server.driver.endpoint.open_transactions
        return {("client",): clients, ("server",): servers}

    def health() -> dict[tuple[str, ...], float]:
        rows: dict[tuple[str, ...], float] = {}
        for link in runner.health():
            key = (link.connector, link.state.value)
            rows[key] = rows.get(key, 0) + 1
        return rows

    def states() -> dict[tuple[str, ...], float]:
        rows: dict[tuple[str, ...], float] = {}
        for person in decider.people:
            current = decider.current(person)
            key = (current.decision.state if current is not None else "unknown",)
            rows[key] = rows.get(key, 0) + 1
        return rows

    metrics.ask("kept", lambda: {(what,): size for what, size in server.sizes().items()})
    metrics.ask("store_available", lambda: {(): float(store.available)})
    metrics.ask("transactions", transactions)
    metrics.ask("connector_links", health)
    metrics.ask("people", states)
