"""A database that takes no writes: nothing is acknowledged, memory goes back, and it recovers by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.presence.records import OWN_PUBLISHER, Change, Told
from agent.store.errors import StoreUnavailable
from agent.store.store import Store
from tests.agent.store.injuries import INJURIES, Injury, Patient, locked, watched
from tests.agent.store.rows import ALICE, BOB, T0, choice, publication, subscription
from tests.support.clock import VirtualClock

BIG = b"x" * 200_000
"More than the free pages of a small database: on a full disk only what must grow fails."


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    with watched(tmp_path / "state.db") as patient:
        yield patient


@pytest.fixture
async def store(patient: Patient, clock: VirtualClock) -> AsyncIterator[Store]:
    store = await Store.open(patient.url, clock, lock_patience=0.05)
    yield store
    await store.close()


@dataclass
class Case:
    injury: Injury
    said: str


@pytest.fixture(params=INJURIES)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(*INJURIES[request.param])


async def test_what_was_not_durable_is_undone_and_the_next_write_succeeds(
    store: Store, patient: Patient, case: Case, clock: VirtualClock
) -> None:
    store.put_publication(publication("kept", body=b"old"))
    store.put_publication(publication("kept too"))
    store.put_subscription(subscription("kept"))
    store.put_manual(choice())
    await store.commit()
    known = (
        store.publications(ALICE, "presence"),
        store.all_subscriptions(),
        store.manual("alice"),
        store.next_expiry(),
        store.publication_counts(),
        store.subscription_counts(),
    )
    told: list[Change] = []
    store.changes.subscribe(told.extend)

    with case.injury(patient):
        store.put_publication(publication("kept", body=b"first"))
        store.put_publication(publication("kept", body=BIG))
        store.put_publication(publication("new", expires_at=T0))
        store.remove_publication("kept too")
        store.remove_subscription("kept")
        store.put_subscription(subscription("new", package="dialog"))
        store.put_manual(choice(state="lunch"))
        store.put_memory("alice", {})
        store.note_change(ALICE, "presence")
        with pytest.raises(StoreUnavailable, match=case.said) as raised:
            await store.commit()
        assert "xxx" not in str(raised.value)
        assert store.memory("alice") == {}, "what the rules remember is promised to nobody: it is only late"
        assert known == (
            store.publications(ALICE, "presence"),
            store.all_subscriptions(),
            store.manual("alice"),
            store.next_expiry(),
            store.publication_counts(),
            store.subscription_counts(),
        )

    store.put_publication(publication("after", presentity=BOB, body=BIG))
    await store.commit()
    assert told == []
    await store.close()
    again = await Store.open(patient.url, clock)
    assert [row.id for row in again.publications(ALICE, "presence")] == ["kept", "kept too"]
    assert [row.id for row in again.publications(BOB, "presence")] == ["after"]
    assert [row.id for row in again.all_subscriptions()] == ["kept"]
    await again.close()


async def test_what_was_written_behind_a_failing_group_goes_with_it(store: Store, patient: Patient) -> None:
    store.put_publication(publication(body=b"durable"))
    await store.commit()
    with locked(patient):
        store.put_publication(publication(body=b"under way"))
        first = store.commit()
        await asyncio.sleep(0)  # the group is handed over
        await asyncio.sleep(0)
        store.put_publication(publication(body=b"behind"))
        store.put_publication(publication("behind"))
        second = store.commit()
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
    assert store.publications(ALICE, "presence") == (publication(body=b"durable"),)


async def test_numbers_never_go_back(store: Store, patient: Patient, case: Case, clock: VirtualClock) -> None:
    store.put_subscription(subscription())
    await store.commit()
    with case.injury(patient):
        given = [store.next_cseq("sub-1") for _ in range(300)]
        given_versions = [store.next_version("sub-1") for _ in range(300)]
        store.put_publication(publication(body=BIG))
        store.remove_subscription("sub-1")
        with pytest.raises(StoreUnavailable):
            await store.commit()
        given.append(store.next_cseq("sub-1"))
        given_versions.append(store.next_version("sub-1"))
    assert given == list(range(1, 302))
    await store.close()
    again = await Store.open(patient.url, clock)
    assert again.next_cseq("sub-1") > given[-1]
    assert again.next_version("sub-1") > given_versions[-1]
    await again.close()


async def test_a_removal_behind_a_commit_does_not_lose_the_numbers(store: Store, patient: Patient) -> None:
    """The row's group settles while its removal waits in the next one, which then fails."""
    store.put_subscription(subscription())
    first = store.commit()
    assert store.next_cseq("sub-1") == 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.remove_subscription("sub-1")
    first.add_done_callback(lambda _: patient.connections[-1].execute("PRAGMA query_only=ON"))
    with pytest.raises(StoreUnavailable):
        await store.commit()
    assert store.next_cseq("sub-1") == 2
    patient.connections[-1].execute("PRAGMA query_only=OFF")


async def test_groups_that_fail_are_reported(patient: Patient, clock: VirtualClock) -> None:
    reports: list[tuple[int, bool]] = []
    store = await Store.open(
        patient.url, clock, lock_patience=0.01, on_group=lambda rows, _, ok: reports.append((rows, ok))
    )
    with locked(patient):
        store.put_publication(publication())
        with pytest.raises(StoreUnavailable):
            await store.commit()
    store.put_publication(publication())
    await store.commit()
    await store.close()
    assert reports == [(1, False), (1, True)]


async def test_opening_what_cannot_be_written(patient: Patient, clock: VirtualClock) -> None:
    await (await Store.open(patient.url, clock)).close()
    with locked(patient), pytest.raises(StoreUnavailable, match="locked"):
        await Store.open(patient.url, clock, lock_patience=0.01)
    with pytest.raises(StoreUnavailable, match="readonly"):
        await Store.open(f"sqlite:///file:{patient.path}?mode=ro&uri=true", clock)


async def test_a_bug_of_ours_leaves_nobody_waiting(store: Store) -> None:
    """A row that slipped past the checks: rank is no integer the database takes."""
    store.put_publication(replace(publication(), rank=1 << 70))
    with pytest.raises(StoreUnavailable, match="OverflowError"):
        await store.commit()
    assert store.publications(ALICE, "presence") == ()
    store.put_publication(publication())
    await store.commit()
    assert store.publications(ALICE, "presence") == (publication(),)


async def test_what_this_process_decided_itself_is_only_late(
    store: Store, patient: Patient, case: Case
) -> None:
    """It stays in memory, is told, and is written with the next group; what others were promised goes back."""
    own = replace(publication("own", body=b"old"), publisher=OWN_PUBLISHER)
    store.put_publication(own)
    store.put_publication(publication("theirs", presentity=BOB))
    await store.commit()
    told: list[Change] = []
    store.changes.subscribe(told.extend)
    with case.injury(patient):
        store.put_publication(replace(own, body=BIG))
        store.note_change(ALICE, "presence")
        store.put_publication(publication("theirs", presentity=BOB, body=BIG))
        store.note_change(BOB, "presence")
        store.put_memory("alice", {"held": 1})
        with pytest.raises(StoreUnavailable):
            await store.commit()
        assert not store.available
        assert store.publications(ALICE, "presence") == (replace(own, body=BIG),)
        assert store.publications(BOB, "presence") == (publication("theirs", presentity=BOB),)
        assert not told, "not before it is sure that nobody is believed to know it"
    store.beat()
    await store.commit()
    await asyncio.sleep(0)
    assert store.available and [change.presentity for change in told] == [ALICE]
    await store.close()
    again = await Store.open(patient.url, VirtualClock())
    assert again.publications(ALICE, "presence") == (replace(own, body=BIG),)
    assert again.memory("alice") == {"held": 1}
    await again.close()


async def test_what_is_known_of_watchers_never_outlives_a_change(
    store: Store, patient: Patient, case: Case
) -> None:
    store.put_told(Told(ALICE, None, b"12345678"))
    await store.commit()
    store.note_change(ALICE, "presence")
    assert store.told(ALICE) is None
    await store.commit()
    with case.injury(patient):
        store.put_told(Told(ALICE, None, b"12345678"))
        store.put_publication(publication(body=BIG))
        with pytest.raises(StoreUnavailable):
            await store.commit()
        assert store.told(ALICE) is None
    await store.close()
    again = await Store.open(patient.url, VirtualClock())
    assert again.told(ALICE) is None
    await again.close()
