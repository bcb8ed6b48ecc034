import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from agent.presence.records import Change
from agent.store.errors import StoreTooNew, StoreUnavailable
from agent.store.store import Store
from tests.agent.store.contract import StoreContract
from tests.agent.store.injuries import watched
from tests.agent.store.rows import ALICE, binding, choice, publication, subscription, token, user
from tests.support.clock import VirtualClock


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state.db"


class TestSqlite(StoreContract):
    @pytest.fixture
    async def store(self, clock: VirtualClock, url: str) -> AsyncIterator[Store]:
        store = await Store.open(url, clock)
        yield store
        await store.close()


async def test_every_field_of_every_row_comes_back(clock: VirtualClock, url: str) -> None:
    store = await Store.open(url, clock)
    store.put_publication(publication())
    store.put_publication(publication("gone"))
    store.put_subscription(subscription())
    store.put_manual(choice())
    store.put_memory("alice", {"held": {"lunch": 1.5}})
    store.put_user(user())
    store.put_binding(binding())
    store.put_token(token())
    store.put_token(token("t-2", person=None))
    await store.commit()
    store.remove_publication("gone")
    await store.close()

    store = await Store.open(url, clock)
    assert store.publications(ALICE, "presence") == (publication(),)
    (row,) = store.all_subscriptions()
    assert row == subscription(local_cseq=row.local_cseq, version=row.version)
    assert store.manual("alice") == choice()
    assert store.memory("alice") == {"held": {"lunch": 1.5}}
    assert store.user("alice") == user()
    assert store.bindings(ALICE) == (binding(),)
    assert set(store.tokens()) == {token(), token("t-2", person=None)}
    assert store.next_expiry() == row.expires_at
    await store.close()


async def test_watchers_keep_their_order(clock: VirtualClock, url: str) -> None:
    store = await Store.open(url, clock)
    for key in ("x", "y", "z"):
        store.put_subscription(subscription(key))
    await store.close()
    store = await Store.open(url, clock)
    assert [row.id for row in store.subscriptions(ALICE, "presence")] == ["x", "y", "z"]
    await store.close()


async def test_numbers_go_on_above_every_one_given_out(clock: VirtualClock, url: str) -> None:
    highest_cseq, highest_version = 0, -1
    for numbered in (1, 0, 63, 64, 65, 500, 0, 3):
        store = await Store.open(url, clock)
        if store.subscription("sub-1") is None:
            store.put_subscription(subscription())
            await store.commit()
        for _ in range(numbered):
            cseq, version = store.next_cseq("sub-1"), store.next_version("sub-1")
            assert cseq > highest_cseq and version > highest_version
            highest_cseq, highest_version = cseq, version
        await store.close()
    assert highest_cseq < 1 << 20, "a dialog lasts thousands of restarts"


async def test_change_numbers_rise_over_restarts(clock: VirtualClock, url: str) -> None:
    numbers: list[int] = []

    def heard(changes: Sequence[Change]) -> None:
        numbers.extend(change.sequence for change in changes)

    for _ in range(3):
        store = await Store.open(url, clock)
        store.changes.subscribe(heard)
        store.note_change(ALICE, "presence")
        store.note_change(ALICE, "dialog")
        await store.close()
    assert len(numbers) == 6
    assert numbers == sorted(set(numbers))


async def test_many_writes_share_a_transaction(clock: VirtualClock, url: str) -> None:
    groups: list[tuple[int, bool]] = []
    store = await Store.open(url, clock, on_group=lambda rows, _, ok: groups.append((rows, ok)))
    waiting = []
    for number in range(500):
        store.put_publication(publication(f"p{number % 250}", entity_tag=str(number)))
        waiting.append(store.commit())
    for done in waiting:
        await done
    assert groups == [(250, True)]
    await store.close()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("sqlite:////nowhere/at/all/state.db", "unable to open database file"),
        ("mysql://host/db", "sqlite or postgresql"),
        ("nonsense with secret", "not a database URL"),
    ],
)
async def test_a_url_that_cannot_be_served(clock: VirtualClock, bad: str, said: str) -> None:
    with pytest.raises(StoreUnavailable, match=said) as raised:
        await Store.open(bad, clock)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("power", 2)])
async def test_power_durability_waits_for_the_disk(
    clock: VirtualClock, tmp_path: Path, durability: Literal["process", "power"], synchronous: int
) -> None:
    with watched(tmp_path / "state.db") as patient:
        store = await Store.open(patient.url, clock, durability=durability)
        (connection,) = patient.connections
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        await store.close()


async def test_a_file_that_is_no_database(clock: VirtualClock, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"somebody's letter, which stays as it is" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await Store.open(f"sqlite:///{tmp_path}/state.db", clock)
    assert b"letter" in (tmp_path / "state.db").read_bytes()


async def test_a_database_of_a_newer_version(clock: VirtualClock, url: str, tmp_path: Path) -> None:
    await (await Store.open(url, clock)).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreTooNew, match="9999"):
        await Store.open(url, clock)


async def test_nobody_else_may_read_the_file(clock: VirtualClock, tmp_path: Path) -> None:
    fresh, old = tmp_path / "fresh.db", tmp_path / "old.db"
    old.touch(0o644)
    old.chmod(0o644)
    for path in (fresh, old):
        store = await Store.open(f"sqlite:///{path}", clock)
        store.put_user(user())
        await store.commit()
        for name in (each for each in os.listdir(tmp_path) if each.startswith(path.name)):
            assert os.stat(f"{tmp_path}/{name}").st_mode & 0o777 == 0o600, name
        await store.close()
