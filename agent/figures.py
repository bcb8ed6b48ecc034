"""What is measured, and gauges whose values somebody knows anyway."""

from agent.decider import Decider
from agent.server.server import PresenceServer
from agent.store.store import Store
from agent.telemetry.metrics import Metrics
from connectors.runner import Runner


class ServerMeter:
    """What the presence server reports, for the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.notify_sent = metrics.notify_sent

    def sip_answered(self, method: str, status: int) -> None:
        self._metrics.sip_message("in", method)
        self._metrics.sip_message("out", method, status)


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

    metrics.ask("transactions", transactions)
    metrics.ask("connector_links", health)
    metrics.ask("people", states)
