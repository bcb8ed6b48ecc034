"""Copies taken while writes go on, and put back: whole, private, and with numbers that do not go back."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.backup import InUse, back_up, restore
from agent.store.database_file import examine
from agent.store.errors import StoreTooNew, StoreUnavailable
from agent.store.store import Store
from tests.agent.store.rows import ALICE, publication, subscription
from tests.agent.store.test_migrations import golden_database
from tests.support.clock import VirtualClock


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def url(database: Path) -> str:
    return f"sqlite:///{database}"


def damage(database: Path) -> None:
    database.write_bytes(b"no database at all, any more" * 1000)


async def filled(database: Path, clock: VirtualClock, rows: int = 1) -> Store:
    store = await Store.open(url(database), clock)
    for number in range(rows):
        store.put_publication(publication(f"p{number}", body=b"x" * 400))
    store.put_subscription(subscription())
    await store.commit()
    return store


async def test_a_copy_taken_while_rows_are_written_is_the_state_of_one_moment(
    database: Path, clock: VirtualClock, tmp_path: Path
) -> None:
    """Two rows are always written together and hold the same number: so they do in every copy."""
    store = await filled(database, clock, rows=4000)
    stop = False

    async def write() -> int:
        turn = 0
        while not stop:
            turn += 1
            for key in ("p0", "p3999"):
                store.put_publication(publication(key, body=b"%d" % turn))
            await store.commit()
        return turn

    loop = asyncio.get_running_loop()
    writing = loop.create_task(write())
    told: list[tuple[int, int]] = []
    for number in range(3):
        copy = tmp_path / f"copy-{number}.db"
        await loop.run_in_executor(
            None, lambda copy=copy: back_up(database, copy, lambda done, total: told.append((done, total)))
        )
        with closing(sqlite3.connect(copy)) as connection:
            bodies = connection.execute("SELECT DISTINCT body FROM publications WHERE id IN ('p0', 'p3999')")
            assert len(bodies.fetchall()) == 1
        assert not examine(copy).problems
        assert os.stat(copy).st_mode & 0o777 == 0o600
        assert not [name for name in os.listdir(tmp_path) if name.startswith(f"{copy.name}-")]
    stop = True
    assert await writing > 3, "writers were not held up"
    await store.close()
    assert told[-1][0] == told[-1][1] > 0


async def test_after_a_restore_numbers_go_on_above_all_that_were_given_out_since(
    database: Path, clock: VirtualClock, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    store = await filled(database, clock)
    back_up(database, copy)
    store.put_publication(publication("later"))
    await store.close()
    highest = 0
    for _ in range(3):
        store = await Store.open(url(database), clock)
        highest = [store.next_cseq("sub-1") for _ in range(100)][-1]
        await store.close()
    done = restore(copy, database, tmp_path / "before.db")
    assert done.kept == tmp_path / "before.db" and not examine(done.kept).problems
    store = await Store.open(url(database), clock)
    assert [row.id for row in store.publications(ALICE, "presence")] == ["p0"]
    assert store.next_cseq("sub-1") > highest
    await store.close()


async def test_a_lost_or_damaged_database_is_replaced(
    database: Path, clock: VirtualClock, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    store = await filled(database, clock)
    highest = [store.next_cseq("sub-1") for _ in range(100)][-1]
    back_up(database, copy)
    await store.close()
    damage(database)
    assert examine(database).problems
    restore(copy, database, tmp_path / "damaged.db")
    assert (tmp_path / "damaged.db").read_bytes().startswith(b"no database")
    os.remove(database)
    assert restore(copy, database, tmp_path / "unused.db").kept is None
    store = await Store.open(url(database), clock)
    assert store.next_cseq("sub-1") > highest + 1_000_000, "as many starts may have been lost as nobody knows"
    await store.close()


async def test_a_database_in_use_is_left_alone(database: Path, clock: VirtualClock, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    store = await filled(database, clock)
    back_up(database, copy)
    with pytest.raises(InUse, match="stop the service"):
        restore(copy, database, tmp_path / "aside.db")
    store.put_publication(publication("later"))
    await store.commit()
    await store.close()
    assert not (tmp_path / "aside.db").exists()


async def test_a_copy_of_a_released_version_is_brought_to_this_one(
    database: Path, clock: VirtualClock, tmp_path: Path
) -> None:
    restore(golden_database("0001", tmp_path), database, tmp_path / "aside.db")
    found = examine(database)
    assert found.schema == found.newest_schema and not found.problems
    store = await Store.open(url(database), clock)
    assert store.publications(ALICE, "presence") == (publication(),)
    await store.close()


@pytest.mark.parametrize("how", ["newer", "damaged", "foreign", "none"])
async def test_what_cannot_be_restored_changes_nothing(
    how: str, database: Path, clock: VirtualClock, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    store = await filled(database, clock, rows=2000)
    back_up(database, copy)
    await store.close()
    before = examine(database).rows
    with closing(sqlite3.connect(copy)) as connection, connection:
        if how == "newer":
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        if how == "foreign":
            connection.executescript("DROP TABLE alembic_version; DROP TABLE publications;")
    if how == "damaged":
        with copy.open("r+b") as file:
            file.seek(40_000)
            file.write(os.urandom(200_000))
    if how == "none":
        copy.unlink()
    with pytest.raises((StoreUnavailable, StoreTooNew)):
        restore(copy, database, tmp_path / "aside.db")
    assert examine(database).rows == before
    assert not (tmp_path / "aside.db").exists() and not [
        name for name in os.listdir(tmp_path) if "unfinished" in name
    ]
