"""The working set: every row in memory, indexed for the questions that the server asks on its hot path."""

from collections import Counter
from collections.abc import Collection

from agent.presence.records import ManualChoice, Publication, Subscription
from agent.store.expiry import ExpiryIndex
from agent.store.rows import Kind, Row, RuleMemory

Resource = tuple[str, str]
"(presentity, package)"


def _by_age(row: Publication) -> tuple[float, str]:
    return row.published_at, row.id


class WorkingSet:
    """Rows by key and by resource. `apply` is the only way in, for writes as for their undoing."""

    def __init__(self) -> None:
        self.publications: dict[str, Publication] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.manual: dict[str, ManualChoice] = {}
        self.memory: dict[str, RuleMemory] = {}
        self.publication_expiry = ExpiryIndex(self.publications)
        self.subscription_expiry = ExpiryIndex(self.subscriptions)
        self.publication_counts: Counter[str] = Counter()
        "By package."
        self.subscription_counts: Counter[tuple[str, str]] = Counter()
        "By (package, state)."
        self._published: dict[Resource, tuple[Publication, ...]] = {}
        self._watched: dict[Resource, dict[str, Subscription]] = {}

    def published(self, presentity: str, package: str) -> tuple[Publication, ...]:
        """Oldest body first; equal ages in the order of their ids, so that every node and restart agrees."""
        return self._published.get((presentity, package), ())

    def watched(self, presentity: str, package: str) -> Collection[Subscription]:
        """In the order of their making."""
        return tuple(self._watched.get((presentity, package), {}).values())

    def get(self, kind: Kind, key: str) -> Row | None:
        if kind is Kind.SUBSCRIPTION:
            return self.subscriptions.get(key)
        if kind is Kind.PUBLICATION:
            return self.publications.get(key)
        return self.manual.get(key) if kind is Kind.MANUAL else self.memory.get(key)

    def apply(self, kind: Kind, key: str, row: Row | None) -> None:
        """Put `row` in the place of what is under `key`; None removes."""
        if kind is Kind.PUBLICATION:
            assert row is None or isinstance(row, Publication)
            self._apply_publication(key, row)
        elif kind is Kind.SUBSCRIPTION:
            assert row is None or isinstance(row, Subscription)
            self._apply_subscription(key, row)
        elif row is None:
            (self.manual if kind is Kind.MANUAL else self.memory).pop(key, None)
        elif isinstance(row, ManualChoice):
            self.manual[key] = row
        elif isinstance(row, RuleMemory):
            self.memory[key] = row

    def _apply_publication(self, key: str, row: Publication | None) -> None:
        before = self.publications.pop(key, None)
        if before is not None:
            resource = (before.presentity, before.package)
            self.publication_counts[before.package] -= 1
            rest = tuple(other for other in self._published[resource] if other.id != key)
            if rest:
                self._published[resource] = rest
            else:
                del self._published[resource]
        if row is not None:
            resource = (row.presentity, row.package)
            self.publications[key] = row
            self.publication_counts[row.package] += 1
            self._published[resource] = tuple(sorted((*self._published.get(resource, ()), row), key=_by_age))
            self.publication_expiry.changed(row, before)

    def _apply_subscription(self, key: str, row: Subscription | None) -> None:
        before = self.subscriptions.get(key)
        if before is not None:
            self.subscription_counts[before.package, before.state] -= 1
            resource = (before.presentity, before.package)
            # The same resource: replaced where it stands, so that the order of watchers stays.
            if row is None or (row.presentity, row.package) != resource:
                watchers = self._watched[resource]
                del watchers[key]
                if not watchers:
                    del self._watched[resource]
        if row is None:
            self.subscriptions.pop(key, None)
            return
        self.subscriptions[key] = row
        self.subscription_counts[row.package, row.state] += 1
        self._watched.setdefault((row.presentity, row.package), {})[key] = row
        self.subscription_expiry.changed(row, before)
