"""The store against a plain-dict model: any order of writes, commits, failures, crashes and restarts."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine, event

from agent.presence.records import Change, ManualChoice, Publication, Subscription
from agent.store.errors import StoreUnavailable
from agent.store.store import Store
from tests.agent.store.rows import ALICE, BOB, T0, choice, publication, subscription
from tests.support.clock import VirtualClock

KEYS = st.sampled_from(["a", "b", "c"])
PRESENTITIES = st.sampled_from([ALICE, BOB])
TIMES = st.sampled_from([T0 + step for step in range(0, 50, 10)])

# A step is (what, key, row or count).
STEPS = st.one_of(
    st.builds(
        lambda key, presentity, at, until: (
            "publish",
            key,
            publication(key, presentity=presentity, published_at=at, expires_at=until),
        ),
        KEYS, PRESENTITIES, TIMES, TIMES,
    ),
    st.builds(
        lambda key, presentity, until: (
            "subscribe",
            key,
            subscription(key, presentity=presentity, expires_at=until),
        ),
        KEYS, PRESENTITIES, TIMES,
    ),
    st.builds(lambda key, state: ("choose", key, choice(key, state=state)), KEYS, st.sampled_from(["dnd", None])),
    st.tuples(st.sampled_from(["unpublish", "unsubscribe", "unchoose"]), KEYS, st.none()),
    st.tuples(st.just("notify"), KEYS, st.integers(1, 150)),
)  # fmt: skip


@dataclass
class Model:
    """What the store should hold."""

    publications: dict[str, Publication] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    manual: dict[str, ManualChoice] = field(default_factory=dict)

    def copy(self) -> "Model":
        return Model(dict(self.publications), dict(self.subscriptions), dict(self.manual))


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.life = 0
        self.current, self.durable = Model(), Model()
        self.given: dict[str, tuple[int, int]] = {}
        "The highest (CSeq, version) of every subscription that is, or may come back."
        self.changes: list[Change] = []
        self.connections: list[sqlite3.Connection] = []
        event.listen(Engine, "connect", self._connected)
        self._start()

    def _connected(self, connection: Any, _record: object) -> None:
        self.connections.append(connection)

    def _path(self) -> Path:
        return self.folder / f"life{self.life}.db"

    def _start(self) -> None:
        self.broken = False
        self.loop = asyncio.new_event_loop()
        self.store = self.loop.run_until_complete(Store.open(f"sqlite:///{self._path()}", VirtualClock()))
        self.store.changes.subscribe(self.changes.extend)
        self.current = self.durable.copy()
        self._forget_what_is_gone()

    def _stop(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()

    def teardown(self) -> None:
        self._stop()
        event.remove(Engine, "connect", self._connected)
        shutil.rmtree(self.folder)

    def _step(self, what: str, key: str, argument: Any) -> None:
        store, model = self.store, self.current
        if what == "publish":
            store.put_publication(argument)
            model.publications[key] = argument
        elif what == "subscribe":
            store.put_subscription(argument)
            model.subscriptions[key] = argument
        elif what == "choose":
            store.put_manual(argument)
            model.manual[key] = argument
        elif what == "unpublish":
            store.remove_publication(key)
            model.publications.pop(key, None)
        elif what == "unsubscribe":
            store.remove_subscription(key)
            model.subscriptions.pop(key, None)
        elif what == "unchoose":
            store.remove_manual(key)
            model.manual.pop(key, None)
        elif key in model.subscriptions:
            for _ in range(argument):
                number = store.next_cseq(key), store.next_version(key)
                before = self.given.get(key, (0, -1))
                assert number[0] > before[0] and number[1] > before[1]
                self.given[key] = number

    def _forget_what_is_gone(self) -> None:
        self.given = {key: number for key, number in self.given.items() if key in self.durable.subscriptions}

    @rule(first=st.lists(STEPS, max_size=6), second=st.lists(STEPS, max_size=6))
    def write_and_commit(self, first: Sequence[Any], second: Sequence[Any]) -> None:
        """Two turns of the loop, the second while the first one's group is under way."""

        async def run() -> list[BaseException | None]:
            done = []
            for steps in (first, second):
                for step in steps:
                    self._step(*step)
                self.store.note_change(ALICE, "presence")
                done.append(self.store.commit())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return await asyncio.gather(*done, return_exceptions=True)

        known, told = self.durable.copy(), len(self.changes)
        outcomes = self.loop.run_until_complete(run())
        if self.broken:
            assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
            assert len(self.changes) == told
            self.current = known
        else:
            assert outcomes == [None, None]
            assert len(self.changes) > told
            self.durable = self.current.copy()
        self._forget_what_is_gone()

    @rule(
        steps=st.lists(STEPS, max_size=6),
        how=st.sampled_from(["crash", "crash after commit", "graceful"]),
    )
    def write_and_restart(
        self, steps: Sequence[Any], how: Literal["crash", "crash after commit", "graceful"]
    ) -> None:
        """A crash is a copy of the files as they are at that moment; nothing else of the process lives on."""

        def copy_files() -> None:
            for suffix in ("", "-wal"):
                file = self._path().with_name(self._path().name + suffix)
                if file.exists():
                    shutil.copy(file, self.folder / f"life{self.life + 1}.db{suffix}")

        async def run() -> None:
            for step in steps:
                self._step(*step)
            if how == "crash after commit" and not self.broken:
                await self.store.commit()
            if how != "graceful":
                copy_files()

        self.loop.run_until_complete(run())
        if how != "crash" and not self.broken:
            self.durable = self.current.copy()
        self._stop()
        if how == "graceful":
            copy_files()
        self.life += 1
        self._start()

    @precondition(lambda self: not self.broken)
    @rule()
    def break_database(self) -> None:
        self.connections[-1].execute("PRAGMA query_only=ON")
        self.broken = True

    @precondition(lambda self: self.broken)
    @rule()
    def heal_database(self) -> None:
        self.connections[-1].execute("PRAGMA query_only=OFF")
        self.broken = False

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        store, model = self.store, self.current
        for presentity in (ALICE, BOB):
            published = [row for row in model.publications.values() if row.presentity == presentity]
            published.sort(key=lambda row: (row.published_at, row.id))
            assert store.publications(presentity, "presence") == tuple(published)
            watched = {row.id for row in store.subscriptions(presentity, "presence")}
            assert watched == {row.id for row in model.subscriptions.values() if row.presentity == presentity}
        assert {row.id: row.expires_at for row in store.all_subscriptions()} == {
            row.id: row.expires_at for row in model.subscriptions.values()
        }
        assert {row.person: row for row in store.manual_choices()} == model.manual
        assert store.publication_counts().get("presence", 0) == len(model.publications)
        assert store.subscription_counts().get(("presence", "active"), 0) == len(model.subscriptions)

    @invariant()
    def knows_what_expires(self) -> None:
        model = self.current
        times = [row.expires_at for row in model.publications.values()]
        times += [row.expires_at for row in model.subscriptions.values()]
        assert self.store.next_expiry() == min(times, default=None)
        for now in (T0, T0 + 20):
            due = {row.id for row in model.publications.values() if row.expires_at <= now}
            found = self.store.expired_publications(now)
            assert {row.id for row in found} == due
            assert [row.expires_at for row in found] == sorted(row.expires_at for row in found)

    @invariant()
    def changes_are_told_in_order(self) -> None:
        numbers = [change.sequence for change in self.changes]
        assert numbers == sorted(set(numbers))


StoreMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestModel = StoreMachine.TestCase
