"""What can be asked of the store: all of it from memory, at once."""

import json
from collections.abc import Collection, Mapping
from math import inf

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
from agent.store.linked import ConnectorMemory, StoredLink
from agent.store.working_set import WorkingSet


class Reads:
    """The reading half of `agent.store.store.Store`; `agent.store.protocols` has the contract."""

    def __init__(self, working: WorkingSet) -> None:
        self._working = working

    def publications(self, presentity: str, package: str) -> tuple[Publication, ...]:
        return self._working.published(presentity, package)

    def all_publications(self) -> Collection[Publication]:
        """A snapshot."""
        return tuple(self._working.publications.values())

    def publication(self, presentity: str, package: str, entity_tag: str) -> Publication | None:
        for row in self._working.published(presentity, package):
            if row.entity_tag == entity_tag:
                return row
        return None

    def subscriptions(self, presentity: str, package: str) -> Collection[Subscription]:
        return self._working.watched(presentity, package)

    def watchers(self, presentity: str, package: str) -> int:
        return self._working.watchers(presentity, package)

    def subscription(self, subscription_id: str) -> Subscription | None:
        return self._working.subscriptions.get(subscription_id)

    def all_subscriptions(self) -> Collection[Subscription]:
        return tuple(self._working.subscriptions.values())

    def expired_publications(self, now: float) -> list[Publication]:
        return self._working.publication_expiry.due(now)

    def expired_subscriptions(self, now: float) -> list[Subscription]:
        return self._working.subscription_expiry.due(now)

    def next_expiry(self, before: float = inf) -> float | None:
        working = self._working
        nearest = before
        for due in (
            working.publication_expiry.next(before),
            working.subscription_expiry.next(before),
            working.binding_expiry.next(before),
        ):
            if due is not None and due < nearest:
                nearest = due
        return nearest if nearest < before else None

    def expired_bindings(self, now: float) -> list[Binding]:
        return self._working.binding_expiry.due(now)

    def bindings(self, address: str) -> tuple[Binding, ...]:
        return self._working.registered(address)

    def all_bindings(self) -> Collection[Binding]:
        return tuple(self._working.bindings.values())

    def user(self, username: str) -> SipUser | None:
        return self._working.users.get(username)

    def users(self) -> Collection[SipUser]:
        return tuple(self._working.users.values())

    def tokens(self) -> Collection[IngressToken]:
        return tuple(self._working.tokens.values())

    def publication_counts(self) -> dict[str, int]:
        """How many, by package."""
        return dict(+self._working.publication_counts)

    def subscription_counts(self) -> dict[tuple[str, str], int]:
        """How many, by (package, state)."""
        return dict(+self._working.subscription_counts)

    def manual(self, person: str) -> ManualChoice | None:
        return self._working.manual.get(person)

    def manual_choices(self) -> Collection[ManualChoice]:
        return tuple(self._working.manual.values())

    def standing(self) -> Collection[StandingPublication]:
        """Our publications at another presence server."""
        return tuple(self._working.standing.values())

    def links(self) -> Collection[StoredLink]:
        return tuple(self._working.links.values())

    def link(self, link_id: str) -> StoredLink | None:
        return self._working.links.get(link_id)

    def connector_memories(self) -> Collection[ConnectorMemory]:
        return tuple(self._working.connector_memory.values())

    def connector_memory(self, owner: str) -> ConnectorMemory | None:
        return self._working.connector_memory.get(owner)

    def told(self, presentity: str) -> Told | None:
        return self._working.told.get(presentity)

    def all_told(self) -> Mapping[str, Told]:
        return self._working.told

    def memory(self, person: str) -> dict[str, object] | None:
        row = self._working.memory.get(person)
        return None if row is None else json.loads(row.memory)
