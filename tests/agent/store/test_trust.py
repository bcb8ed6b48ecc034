"""What is believed, after a crash, of what watchers had acknowledged (`agent.store.heartbeat`)."""

from pathlib import Path

import pytest

from agent.presence.records import Told
from agent.store.database import Loaded
from agent.store.heartbeat import TRUST
from agent.store.rows import Kind
from agent.store.sql import SqlDatabase
from agent.store.store import Store
from tests.agent.store.rows import ALICE
from tests.support.clock import VirtualClock

TOLD = Told(ALICE, None, b"12345678")


class _Slow(SqlDatabase):
    """Takes its time to read."""

    def __init__(self, url: str, clock: VirtualClock) -> None:
        super().__init__(url, durability="process", lock_patience=2.0)
        self._clock = clock

    async def open(self, now: float) -> Loaded:
        loaded = await super().open(now)
        self._clock.advance(2 * TRUST)
        return loaded


@pytest.fixture
async def url(tmp_path: Path, clock: VirtualClock) -> str:
    """Of a store that was killed after it had put `TOLD` on record."""
    url = f"sqlite:///{tmp_path}/state.db"
    store = await Store.open(url, clock)
    store.put_told(TOLD)
    await store.commit()
    await store._database.close()
    return url


async def opened(url: str, clock: VirtualClock) -> Told | None:
    """What the next run believes; it is killed too."""
    store = await Store.open(url, clock)
    await store._database.close()
    return store.told(ALICE)


@pytest.mark.parametrize(("away", "believed"), [(TRUST - 1, TOLD), (TRUST + 1, None)])
async def test_until_the_last_heartbeat_is_old(
    url: str, clock: VirtualClock, away: float, believed: Told | None
) -> None:
    clock.advance(away)
    assert await opened(url, clock) == believed
    clock.advance(TRUST - 1)
    assert await opened(url, clock) == believed, "each start is a heartbeat, and what is forgotten stays so"


async def test_a_start_that_is_killed_before_it_has_written_anything_leaves_no_doubt(
    url: str, clock: VirtualClock
) -> None:
    for _ in range(3):
        clock.advance(TRUST - 1)
        database = SqlDatabase(url, durability="process", lock_patience=2.0)
        loaded = await database.open(clock.wall())
        await database.close()
        assert [row for kind, _, row in loaded.rows if kind is Kind.TOLD] == [TOLD]
    assert await opened(url, clock) == TOLD


async def test_a_start_that_reads_for_long_believes_what_it_did_at_its_beginning(
    url: str, clock: VirtualClock
) -> None:
    clock.advance(TRUST - 1)
    store = Store(_Slow(url, clock), clock)
    await store._load()
    assert store.told(ALICE) == TOLD
    await store.close()
