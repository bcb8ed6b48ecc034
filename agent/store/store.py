"""The store: in memory for work, in SQL for survival.

Writes change memory at once and join the pending group. The group is handed to the database at the end of the
event loop's turn, or when the group before it is done: so under load many requests share one transaction, and
without load nobody waits. See `agent.store.protocols` for the contract, docs/decisions/0003-store.md for why.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Literal

from agent.clock import Clock
from agent.presence.records import (
    Binding,
    Change,
    IngressToken,
    ManualChoice,
    Publication,
    SipUser,
    StandingPublication,
    Subscription,
    Told,
)
from agent.store.changes import ChangeFeed
from agent.store.database import Database, NoDatabase
from agent.store.errors import StoreUnavailable
from agent.store.group import LAST_CHANGE, TRUSTED_UNTIL, Batch, Group, NumberedSubscription, Waiter
from agent.store.heartbeat import FOR_GOOD, TRUST
from agent.store.linked import ConnectorMemory, StoredLink
from agent.store.numbering import Numbering
from agent.store.reads import Reads
from agent.store.rows import Kind, Row, RuleMemory, check, to_json
from agent.store.undo import undo
from agent.store.working_set import WorkingSet

GroupReport = Callable[[int, float, bool], None]
"(rows, seconds from handing over to durable, whether it succeeded)"
HealthReport = Callable[[StoreUnavailable | None], None]
"(why the database takes no writes; None: it takes them again)"


class Store(Reads):
    """Satisfies the Protocols of `agent.store.protocols`. Lives on one event loop."""

    def __init__(self, database: Database, clock: Clock, *, on_group: GroupReport | None = None) -> None:
        self._database = database
        self._clock = clock
        self._on_group = on_group
        super().__init__(WorkingSet())
        self._numbering = Numbering()
        self._pending = Group()
        self._in_flight: Group | None = None
        self._begin_is_due = False
        self._closed = False
        self._trusted_until = 0.0
        "As the database has it (`agent.store.heartbeat`)."
        self.trouble: StoreUnavailable | None = None
        "Why the database takes no writes at present."
        self.on_health: HealthReport = lambda trouble: None
        self.changes = ChangeFeed()

    @classmethod
    async def open(
        cls,
        url: str,
        clock: Clock,
        *,
        durability: Literal["process", "power"] = "process",
        lock_patience: float = 2.0,
        on_group: GroupReport | None = None,
    ) -> "Store":
        """Open, create or migrate the database at `url` and load it.

        :param url: ``memory:``, or a SQLAlchemy URL such as ``sqlite:////var/lib/lamplighter/state.db``.
        :param durability: ``process`` survives kill -9; ``power`` survives the plug, for one fsync per group.
        :param lock_patience: seconds to wait for a database that somebody else has locked.

        Raises StoreUnavailable, StoreTooNew.
        """
        database: Database
        if url == "memory:":
            database = NoDatabase()
        else:
            # Imported late: SQLAlchemy and Alembic take longer to import than a short-lived tool runs.
            from agent.store.sql import SqlDatabase

            database = SqlDatabase(url, durability=durability, lock_patience=lock_patience)
        store = cls(database, clock, on_group=on_group)
        await store._load()
        return store

    async def _load(self) -> None:
        # The moment before: whoever owned the database is dead already, however long the reading takes.
        loaded = await self._database.open(self._clock.wall())
        self._numbering = Numbering(loaded.starts)
        for kind, key, row in loaded.rows:
            self._working.apply(kind, key, row)
        self.changes.last = loaded.last_change
        self._trusted_until = loaded.trusted_until
        self.beat()
        await self.commit()

    @property
    def available(self) -> bool:
        return self.trouble is None

    async def close(self) -> None:
        """Make what was written durable if that can be done, then let go of the database."""
        if self._closed:
            return
        self._closed = True
        self._pending.trusted_until = FOR_GOOD
        with suppress(StoreUnavailable):
            await self.commit()
        await self._database.close()

    # Writes

    def put_publication(self, row: Publication) -> None:
        self._write(Kind.PUBLICATION, row.id, row)

    def remove_publication(self, publication_id: str) -> None:
        self._write(Kind.PUBLICATION, publication_id, None)

    def put_subscription(self, row: Subscription) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        check(row)
        before = self._working.put_subscription(row)
        self._pending.record(Kind.SUBSCRIPTION, row.id, row, before)
        self._schedule()
        self._numbering.raise_to(row, before or self._not_durably_gone(row.id))

    def _not_durably_gone(self, subscription_id: str) -> Subscription | None:
        """A row that was removed a moment ago, which the database still has: its numbers count."""
        for group in (self._pending, self._in_flight):
            images = group.before.get(Kind.SUBSCRIPTION) if group is not None else None
            if images is not None and isinstance(image := images.get(subscription_id), Subscription):
                return image
        return None

    def remove_subscription(self, subscription_id: str) -> None:
        self._write(Kind.SUBSCRIPTION, subscription_id, None)

    def put_manual(self, choice: ManualChoice) -> None:
        self._write(Kind.MANUAL, choice.person, choice)

    def remove_manual(self, person: str) -> None:
        self._write(Kind.MANUAL, person, None)

    def put_memory(self, person: str, memory: Mapping[str, object]) -> None:
        self._write(Kind.MEMORY, person, RuleMemory(person, to_json(memory)))

    def remove_memory(self, person: str) -> None:
        self._write(Kind.MEMORY, person, None)

    def put_binding(self, row: Binding) -> None:
        self._write(Kind.BINDING, row.id, row)

    def remove_binding(self, binding_id: str) -> None:
        self._write(Kind.BINDING, binding_id, None)

    def put_standing(self, row: StandingPublication) -> None:
        self._write(Kind.STANDING, row.presentity, row)

    def remove_standing(self, presentity: str) -> None:
        self._write(Kind.STANDING, presentity, None)

    def put_told(self, row: Told) -> None:
        self._write(Kind.TOLD, row.presentity, row)

    def forget_told(self, presentity: str) -> None:
        self._write(Kind.TOLD, presentity, None)

    def beat(self) -> None:
        """Write a little, whether or not there is something to write (`agent.store.heartbeat`)."""
        if not self._closed:
            self._pending.trusted_until = self._clock.wall() + TRUST
            self._schedule()

    def put_user(self, row: SipUser) -> None:
        self._write(Kind.USER, row.username, row)

    def remove_user(self, username: str) -> None:
        self._write(Kind.USER, username, None)

    def put_link(self, row: StoredLink) -> None:
        self._write(Kind.LINK, row.id, row)

    def remove_link(self, link_id: str) -> None:
        self._write(Kind.LINK, link_id, None)

    def put_connector_memory(self, row: ConnectorMemory) -> None:
        self._write(Kind.CONNECTOR_MEMORY, row.owner, row)

    def remove_connector_memory(self, owner: str) -> None:
        self._write(Kind.CONNECTOR_MEMORY, owner, None)

    def put_token(self, row: IngressToken) -> None:
        self._write(Kind.TOKEN, row.id, row)

    def remove_token(self, token_id: str) -> None:
        self._write(Kind.TOKEN, token_id, None)

    def next_cseq(self, subscription_id: str) -> int:
        row = self._working.subscriptions[subscription_id]
        number, must_write = self._numbering.next_cseq(row)
        if must_write:
            self._record(Kind.SUBSCRIPTION, row.id, row, row)
        return number

    def next_version(self, subscription_id: str) -> int:
        row = self._working.subscriptions[subscription_id]
        number, must_write = self._numbering.next_version(row)
        if must_write:
            self._record(Kind.SUBSCRIPTION, row.id, row, row)
        return number

    def note_change(self, presentity: str, package: str) -> None:
        if presentity in self._working.told:
            # Before anybody is told of the change it is on record that nobody is known to know the state.
            self.forget_told(presentity)
        resource = (presentity, package)
        if resource not in self._pending.changes and not self._closed:
            number = self.changes.number()
            self._pending.changes[resource] = Change(number, presentity, package, self._clock.wall())
            self._schedule()

    def commit(self) -> asyncio.Future[None]:
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(error: StoreUnavailable | None) -> None:
            if durable.done():
                return
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        self.when_durable(told)
        return durable

    def when_durable(self, then: Waiter) -> None:
        if self._pending:
            self._pending.waiters.append(then)
            self._schedule()
        elif self._in_flight is not None:
            self._in_flight.waiters.append(then)
        else:
            asyncio.get_running_loop().call_soon(then, None)

    def _write(self, kind: Kind, key: str, row: Row | None) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        before = self._working.get(kind, key)
        if row is not None:
            check(row)
        elif before is None:
            return
        self._working.apply(kind, key, row)
        self._record(kind, key, row, before)

    def _record(self, kind: Kind, key: str, row: Row | None, before: Row | None) -> None:
        if self._closed:
            return
        self._pending.record(kind, key, row, before)
        self._schedule()

    # Groups

    def _schedule(self) -> None:
        if self._in_flight is None and not self._begin_is_due:
            self._begin_is_due = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Hand the pending group to the database."""
        self._begin_is_due = False
        if self._in_flight is not None or not self._pending:
            return
        group, self._pending = self._pending, Group()
        self._in_flight = group
        batch = self._batch(group)
        self._database.write(batch, partial(self._finished, group, len(batch), self._clock.monotonic()))

    def _batch(self, group: Group) -> Batch:
        puts: dict[Kind, list[Row | NumberedSubscription]] = {}
        removals: dict[Kind, list[str]] = {}
        for kind, writes in group.writes.items():
            removed = [key for key, row in writes.items() if row is None]
            if removed:
                removals[kind] = removed
            if len(removed) == len(writes):
                continue
            if kind is Kind.SUBSCRIPTION:
                stored = self._numbering.stored
                numbered: list[Row | NumberedSubscription] = []
                for row in writes.values():
                    if isinstance(row, Subscription):
                        cseq, version = stored(row)
                        numbered.append(NumberedSubscription(row, cseq, version))
                puts[kind] = numbered
            else:
                puts[kind] = [row for row in writes.values() if row is not None]
        sequences: dict[str, int] = {}
        if group.changes:
            sequences[LAST_CHANGE] = max(change.sequence for change in group.changes.values())
        if group.trusted_until is not None:
            sequences[TRUSTED_UNTIL] = int(group.trusted_until * 1000)
        return Batch(puts, removals, sequences)

    def _finished(self, group: Group, rows: int, begun: float, error: StoreUnavailable | None) -> None:
        self._in_flight = None
        if self._on_group is not None and (rows or error is not None):  # a heartbeat is no figure
            self._on_group(rows, self._clock.monotonic() - begun, error is None)
        if (error is None) != (self.trouble is None):
            self.on_health(error)
        self.trouble = error
        if error is not None:
            self._undo(group, error)
            return
        if group.trusted_until is not None:
            self._trusted_until = group.trusted_until
        self._settle(group)
        if self._pending:
            self._schedule()

    def _settle(self, group: Group) -> None:
        for key, row in group.writes.get(Kind.SUBSCRIPTION, {}).items():
            # A removal that is only pending may be undone yet: then its numbers are needed.
            if row is None:
                self._forget_if_gone(key)
        group.succeed()
        if group.changes:
            self.changes.deliver(group.ordered_changes())

    def _undo(self, group: Group, error: StoreUnavailable) -> None:
        """Everything not durable is taken back, but for what is only late (`agent.store.undo`)."""
        failed = (group, self._pending)
        self._pending = undo(failed, self._working)
        for undone in failed:
            for key in undone.touched(Kind.SUBSCRIPTION):
                self._forget_if_gone(key)
            undone.fail(error)
        if self._pending.changes and self._clock.wall() > self._trusted_until:
            self.changes.deliver(self._pending.ordered_changes())
            self._pending.changes.clear()

    def _forget_if_gone(self, subscription_id: str) -> None:
        if subscription_id not in self._working.subscriptions:
            self._numbering.forget(subscription_id)
