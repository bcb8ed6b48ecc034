"""Schema migrations: forward from every version that was ever released, into the tables of this one."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from agent.presence.records import StandingPublication
from agent.store.migrate import migrate
from agent.store.store import Store
from agent.store.tables import metadata
from tests.agent.store.rows import ALICE, T0, binding, choice, publication, subscription, user
from tests.support.clock import VirtualClock

GOLDEN = Path(__file__).parent / "golden"
"Databases as released versions wrote them (SQL dumps, named by schema). They are never changed."


def golden_database(schema: str, folder: Path) -> Path:
    """The file that a released version would have left behind."""
    path = folder / f"{schema}.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((GOLDEN / f"{schema}.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def test_the_migrations_make_the_tables_of_the_metadata() -> None:
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            migrate(connection)
            migrate(connection)
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            assert compare_metadata(context, metadata) == []
            for table in metadata.tables.values():
                (key,) = inspect(connection).get_pk_constraint(table.name)["constrained_columns"]
                assert key == table.c[0].name, "loading takes the first column for the key"
    finally:
        engine.dispose()


@pytest.mark.parametrize("schema", sorted(path.stem for path in GOLDEN.glob("*.sql")))
async def test_what_a_released_version_wrote_is_read_by_this_one(
    schema: str, tmp_path: Path, clock: VirtualClock
) -> None:
    path = golden_database(schema, tmp_path)
    store = await Store.open(f"sqlite:///{path}", clock)
    assert store.publications(ALICE, "presence") == (publication(),)
    (row,) = store.all_subscriptions()
    assert row == subscription(local_cseq=row.local_cseq, version=row.version)
    assert store.next_cseq(row.id) > 1 and store.next_version(row.id) > 0
    assert store.manual("alice") == choice()
    assert store.memory("alice") == {"held": {"lunch": 1.5}}
    assert store.user("alice") == user()
    assert store.bindings(ALICE) == (binding(),)
    assert list(store.standing()) == [
        StandingPublication(ALICE, "sip:presence.example.net", "tag-9", T0 + 60)
    ]
    await store.close()
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    finally:
        engine.dispose()
