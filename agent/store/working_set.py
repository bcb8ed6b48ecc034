"""The working set: every row in memory, indexed for the questions that the server asks on its hot path."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from agent.presence.records import (
    Binding,
    IngressToken,
    ManualChoice,
    Publication,
    SipUser,
    StandingPublication,
    Subscription,
    Told,
)
from agent.store.expiry import ExpiryIndex
from agent.store.linked import ConnectorMemory, StoredLink
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
        self.users: dict[str, SipUser] = {}
        self.bindings: dict[str, Binding] = {}
        self.standing: dict[str, StandingPublication] = {}
        self.links: dict[str, StoredLink] = {}
        self.connector_memory: dict[str, ConnectorMemory] = {}
        self.told: dict[str, Told] = {}
        self.tokens: dict[str, IngressToken] = {}
        self.publication_expiry = ExpiryIndex(self.publications)
        self.subscription_expiry = ExpiryIndex(self.subscriptions)
        self.binding_expiry = ExpiryIndex(self.bindings)
        self.publication_counts: Counter[str] = Counter()
        "By package."
        self.subscription_counts: Counter[tuple[str, str]] = Counter()
        "By (package, state)."
        self._published: dict[Resource, tuple[Publication, ...]] = {}
        self._watched: dict[Resource, dict[str, Subscription]] = {}
        self._registered: dict[str, dict[str, Binding]] = {}
        self._plain: Mapping[Kind, dict[str, Any]] = {
            Kind.MANUAL: self.manual,
            Kind.MEMORY: self.memory,
            Kind.USER: self.users,
            Kind.STANDING: self.standing,
            Kind.LINK: self.links,
            Kind.CONNECTOR_MEMORY: self.connector_memory,
            Kind.TOLD: self.told,
            Kind.TOKEN: self.tokens,
        }
        "Kinds that are only ever asked for by their key."
        self._by_kind: Mapping[Kind, Mapping[str, Row]] = {
            Kind.PUBLICATION: self.publications,
            Kind.SUBSCRIPTION: self.subscriptions,
            Kind.BINDING: self.bindings,
            **self._plain,
        }

    def published(self, presentity: str, package: str) -> tuple[Publication, ...]:
        """Oldest body first; equal ages in the order of their ids, so that every node and restart agrees."""
        return self._published.get((presentity, package), ())

    def watched(self, presentity: str, package: str) -> Collection[Subscription]:
        """In the order of their making."""
        return tuple(self._watched.get((presentity, package), {}).values())

    def watchers(self, presentity: str, package: str) -> int:
        """How many."""
        watchers = self._watched.get((presentity, package))
        return len(watchers) if watchers is not None else 0

    def registered(self, address: str) -> tuple[Binding, ...]:
        """In the order of their making."""
        return tuple(self._registered.get(address, {}).values())

    def get(self, kind: Kind, key: str) -> Row | None:
        return self._by_kind[kind].get(key)

    def apply(self, kind: Kind, key: str, row: Row | None) -> None:
        """Put `row` in the place of what is under `key`; None removes."""
        if kind is Kind.PUBLICATION:
            assert row is None or isinstance(row, Publication)
            self._apply_publication(key, row)
        elif kind is Kind.SUBSCRIPTION:
            if row is None:
                self._remove_subscription(key)
            else:
                assert isinstance(row, Subscription)
                self.put_subscription(row)
        elif kind is Kind.BINDING:
            assert row is None or isinstance(row, Binding)
            self._apply_binding(key, row)
        elif row is None:
            self._plain[kind].pop(key, None)
        else:
            self._plain[kind][key] = row

    def _apply_publication(self, key: str, row: Publication | None) -> None:
        before = self.publications.pop(key, None)
        if before is not None and row is not None:
            resource = (row.presentity, row.package)
            if resource == (before.presentity, before.package):  # as nearly always
                self._replace_publication(key, row, before, resource)
                return
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

    def _replace_publication(
        self, key: str, row: Publication, before: Publication, resource: Resource
    ) -> None:
        self.publications[key] = row
        published = self._published[resource]
        if len(published) == 1:
            self._published[resource] = (row,)
        else:
            every = [row if other.id == key else other for other in published]
            every.sort(key=_by_age)
            self._published[resource] = tuple(every)
        self.publication_expiry.changed(row, before)

    def put_subscription(self, row: Subscription) -> Subscription | None:
        """As `apply` does, which it is a short way past. Returns what it replaces."""
        key, resource = row.id, (row.presentity, row.package)
        before = self.subscriptions.get(key)
        self.subscriptions[key] = row
        counts = self.subscription_counts
        counts[row.package, row.state] += 1
        watchers = self._watched.get(resource)
        if before is not None:
            counts[before.package, before.state] -= 1
            # The same resource: replaced where it stands, so that the order of watchers stays.
            if (before.presentity, before.package) != resource:
                self._unwatch(before)
        if watchers is None:
            self._watched[resource] = {key: row}
        else:
            watchers[key] = row
        self.subscription_expiry.changed(row, before)
        return before

    def _remove_subscription(self, key: str) -> None:
        row = self.subscriptions.pop(key, None)
        if row is not None:
            self.subscription_counts[row.package, row.state] -= 1
            self._unwatch(row)

    def _unwatch(self, row: Subscription) -> None:
        resource = (row.presentity, row.package)
        watchers = self._watched[resource]
        del watchers[row.id]
        if not watchers:
            del self._watched[resource]

    def _apply_binding(self, key: str, row: Binding | None) -> None:
        before = self.bindings.get(key)
        if row is None:
            if before is not None:
                del self.bindings[key]
                rest = self._registered[before.address]
                del rest[key]
                if not rest:
                    del self._registered[before.address]
            return
        self.bindings[key] = row
        self._registered.setdefault(row.address, {})[key] = row
        self.binding_expiry.changed(row, before)
