"""What the rest of the agent knows of the store. Code is typed against the narrowest of these that will do.

Reads come from memory, at once. Writes are in memory at once, and durable when a `commit` called *after* them
resolves. **Call commit in the same step as the writes it is for**, with no await between them: a write is undone
when its group fails, and only the commits that were already waiting hear of that.
"""

from asyncio import Future
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import Protocol

from agent.presence.records import (
    Binding,
    Change,
    IngressToken,
    ManualChoice,
    Publication,
    SipUser,
    Subscription,
    Told,
)
from agent.store.errors import StoreUnavailable
from agent.store.linked import ConnectorMemory, StoredLink


class PublicationReader(Protocol):
    def publications(self, presentity: str, package: str) -> tuple[Publication, ...]:
        """Oldest body first (`published_at`, then `id`)."""

    def publication(self, presentity: str, package: str, entity_tag: str) -> Publication | None:
        """The one that SIP-If-Match means, if any."""

    def all_publications(self) -> Collection[Publication]:
        """A snapshot."""


class SubscriptionReader(Protocol):
    def subscriptions(self, presentity: str, package: str) -> Collection[Subscription]:
        """A snapshot, in the order of their making."""

    def watchers(self, presentity: str, package: str) -> int:
        """How many `subscriptions` there are. Cheap, however many."""

    def subscription(self, subscription_id: str) -> Subscription | None: ...

    def all_subscriptions(self) -> Collection[Subscription]:
        """A snapshot."""


class Numbers(Protocol):
    def next_cseq(self, subscription_id: str) -> int:
        """CSeq for the next NOTIFY: strictly rising, by one except over a restart. KeyError when gone."""

    def next_version(self, subscription_id: str) -> int:
        """Version for the next document; the first is the row's `version`. KeyError when gone."""


class Expiries(Protocol):
    """Nothing expires by itself: the server asks, and removes or terminates what it is given."""

    def expired_publications(self, now: float) -> list[Publication]:
        """``expires_at <= now``, longest expired first; told again until removed."""

    def expired_subscriptions(self, now: float) -> list[Subscription]:
        """Likewise."""

    def expired_bindings(self, now: float) -> list[Binding]:
        """Likewise."""

    def next_expiry(self, before: float = inf) -> float | None:
        """Wall-clock seconds of the nearest expiry of any kind, if it is earlier than ``before``. Cheap, and cheaper
        still when nothing is."""


class Committer(Protocol):
    def commit(self) -> Future[None]:
        """Resolves when every write so far is durable. Raises StoreUnavailable when awaited."""

    def when_durable(self, then: Callable[[StoreUnavailable | None], None]) -> None:
        """The same for those who do not await: ``then`` hears None, or why the writes were undone. Never at once."""

    def note_change(self, presentity: str, package: str) -> None:
        """Have the change feed tell of it once this group of writes is durable."""


class PublicationWriter(Committer, Protocol):
    def put_publication(self, row: Publication) -> None:
        """Insert or replace by id. Raises UnstorableRow."""

    def remove_publication(self, publication_id: str) -> None:
        """Nothing happens when it is gone already."""


class SubscriptionWriter(Committer, Protocol):
    def put_subscription(self, row: Subscription) -> None:
        """Insert or replace by id; numbers below those given out already do not count. Raises UnstorableRow."""

    def remove_subscription(self, subscription_id: str) -> None:
        """Nothing happens when it is gone already."""


class ToldStore(Committer, Protocol):
    """What watchers have acknowledged. `note_change` forgets it, in the same group as the change."""

    @property
    def available(self) -> bool:
        """False from a group that failed until one succeeds."""

    def told(self, presentity: str) -> Told | None: ...

    def all_told(self) -> Mapping[str, Told]:
        """By presentity; the mapping follows what is written."""

    def put_told(self, row: Told) -> None:
        """Replaces what is known of the presentity."""

    def forget_told(self, presentity: str) -> None:
        """Nothing happens when nothing is known."""


class BindingStore(Committer, Protocol):
    """What a registrar keeps."""

    def bindings(self, address: str) -> tuple[Binding, ...]:
        """In the order of their making, expired ones included."""

    def all_bindings(self) -> Collection[Binding]:
        """A snapshot."""

    def put_binding(self, row: Binding) -> None:
        """Insert or replace by id. Raises UnstorableRow."""

    def remove_binding(self, binding_id: str) -> None:
        """Nothing happens when it is gone already."""


class UserStore(Committer, Protocol):
    """The user agents that may sign in, besides those in the settings."""

    def user(self, username: str) -> SipUser | None: ...

    def users(self) -> Collection[SipUser]:
        """A snapshot."""

    def put_user(self, row: SipUser) -> None:
        """Insert or replace by name. Raises UnstorableRow."""

    def remove_user(self, username: str) -> None:
        """Nothing happens when there is none."""


class LinkStore(Committer, Protocol):
    """Accounts that were linked by command or page."""

    def links(self) -> Collection[StoredLink]:
        """All."""

    def link(self, link_id: str) -> StoredLink | None: ...

    def put_link(self, row: StoredLink) -> None:
        """Replaces the row with the same `id`. Raises UnstorableRow."""

    def remove_link(self, link_id: str) -> None: ...


class ConnectorMemoryStore(Committer, Protocol):
    """What connectors keep over a restart."""

    def connector_memories(self) -> Collection[ConnectorMemory]:
        """All."""

    def connector_memory(self, owner: str) -> ConnectorMemory | None: ...

    def put_connector_memory(self, row: ConnectorMemory) -> None:
        """Replaces the row with the same `owner`. Raises UnstorableRow."""

    def remove_connector_memory(self, owner: str) -> None: ...


class SecretStore(UserStore, LinkStore, ConnectorMemoryStore, Protocol):
    """Every kind of row that holds secrets."""


class TokenStore(Committer, Protocol):
    """What sources outside may hand in requests with."""

    def tokens(self) -> Collection[IngressToken]:
        """A snapshot."""

    def put_token(self, row: IngressToken) -> None:
        """Insert or replace by id. Raises UnstorableRow."""

    def remove_token(self, token_id: str) -> None:
        """Nothing happens when it is gone already."""


class PeopleStore(Committer, Protocol):
    """What is kept per person, for the pipeline in front of the presence server."""

    def put_manual(self, choice: ManualChoice) -> None:
        """Replaces the person's choice. Raises UnstorableRow."""

    def remove_manual(self, person: str) -> None: ...

    def manual(self, person: str) -> ManualChoice | None: ...

    def manual_choices(self) -> Collection[ManualChoice]:
        """Everybody's."""

    def put_memory(self, person: str, memory: Mapping[str, object]) -> None:
        """`memory` is JSON-like; it is copied. TypeError when it is not, UnstorableRow for bad texts."""

    def remove_memory(self, person: str) -> None: ...

    def memory(self, person: str) -> dict[str, object] | None:
        """A fresh copy."""


class Changes(Protocol):
    def subscribe(self, callback: Callable[[Sequence[Change]], None]) -> Callable[[], None]:
        """Each committed group's changes, in order, one per (presentity, package). Returns what ends it."""


class PresenceStore(
    PublicationReader,
    PublicationWriter,
    SubscriptionReader,
    SubscriptionWriter,
    BindingStore,
    ToldStore,
    Numbers,
    Expiries,
    Protocol,
):
    """What a presence server needs."""

    @property
    def changes(self) -> Changes: ...
