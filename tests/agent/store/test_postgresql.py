"""The store on a real PostgreSQL server: what every store promises, what survives, and what a lost server means."""

import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from agent.presence.records import OWN_PUBLISHER
from agent.store.errors import StoreTooNew, StoreUnavailable
from agent.store.store import Store
from agent.store.tables import metadata
from tests.agent.store.contract import StoreContract
from tests.agent.store.rows import ALICE, binding, choice, publication, subscription, user
from tests.support.clock import VirtualClock
from tests.support.postgres import Postgres, postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
def url(server: Postgres) -> str:
    """Of an empty database."""
    server.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return server.url


class TestPostgresql(StoreContract):
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
    await store.commit()
    store.remove_publication("gone")
    given = [(store.next_cseq("sub-1"), store.next_version("sub-1")) for _ in range(200)][-1]
    await store.close()

    store = await Store.open(url, clock)
    assert store.publications(ALICE, "presence") == (publication(),)
    (row,) = store.all_subscriptions()
    assert row == subscription(local_cseq=row.local_cseq, version=row.version)
    assert store.manual("alice") == choice() and store.memory("alice") == {"held": {"lunch": 1.5}}
    assert store.user("alice") == user() and store.bindings(ALICE) == (binding(),)
    assert store.next_cseq("sub-1") > given[0] and store.next_version("sub-1") > given[1]
    await store.close()


async def test_large_groups_are_one_transaction(clock: VirtualClock, url: str) -> None:
    groups: list[tuple[int, bool]] = []
    store = await Store.open(url, clock, on_group=lambda rows, _, ok: groups.append((rows, ok)))
    for number in range(1000):
        store.put_publication(publication(f"p{number}", entity_tag=str(number)))
    await store.commit()
    assert groups == [(1000, True)]
    await store.close()
    store = await Store.open(url, clock)
    assert len(store.all_publications()) == 1000
    await store.close()


async def test_the_migrations_make_the_tables_of_the_metadata(clock: VirtualClock, url: str) -> None:
    await (await Store.open(url, clock)).close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    single = [one for each in found for one in (each if isinstance(each, list) else [each])]
    assert [one for one in single if one[0] != "modify_comment"] == []


async def test_a_database_of_a_newer_version(clock: VirtualClock, url: str, server: Postgres) -> None:
    await (await Store.open(url, clock)).close()
    server.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="9999"):
        await Store.open(url, clock)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["restarted", "crashed"])
async def test_a_server_that_goes_away_and_comes_back(
    clock: VirtualClock, url: str, server: Postgres, number: signal.Signals
) -> None:
    store = await Store.open(url, clock)
    store.put_publication(publication("kept"))
    await store.commit()
    server.stop(number)
    store.put_publication(publication("lost"))
    own = replace(publication("own"), publisher=OWN_PUBLISHER)
    store.put_publication(own)
    with pytest.raises(StoreUnavailable):
        await store.commit()
    assert not store.available
    assert {row.id for row in store.all_publications()} == {"kept", "own"}
    server.start()
    store.beat()
    await store.commit()
    assert store.available
    await store.close()
    store = await Store.open(url, clock)
    assert {row.id for row in store.all_publications()} == {"kept", "own"}
    await store.close()


async def test_a_locked_table_is_waited_for_and_then_refused(clock: VirtualClock, url: str) -> None:
    store = await Store.open(url, clock, lock_patience=0.1)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE publications IN ACCESS EXCLUSIVE MODE")
        store.put_publication(publication())
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await store.commit()
    engine.dispose()
    store.put_publication(publication())
    await store.commit()
    await store.close()


@pytest.mark.parametrize(("durability", "setting"), [("process", "off"), ("power", "on")])
async def test_what_the_server_waits_for(
    clock: VirtualClock, url: str, server: Postgres, durability: str, setting: str
) -> None:
    server.run("ALTER ROLE lamp SET synchronous_commit = off")
    try:
        store = await Store.open(url, clock, durability=durability)  # type: ignore[arg-type]
        engine = store._database._engine  # type: ignore[attr-defined]
        await store.close()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == setting
        engine.dispose()
    finally:
        server.run("ALTER ROLE lamp RESET synchronous_commit")
