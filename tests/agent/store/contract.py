"""What every store promises, whatever is beneath it. Inherit and give the `store` fixture."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.presence.records import Change, StandingPublication
from agent.store.errors import StoreUnavailable, UnstorableRow
from agent.store.protocols import PeopleStore, PresenceStore
from agent.store.store import Store
from tests.agent.store.rows import ALICE, BOB, T0, binding, choice, publication, subscription, token, user
from tests.support.clock import VirtualClock


class StoreContract:
    async def test_satisfies_the_protocols(self, store: Store) -> None:
        presence: PresenceStore = store
        people: PeopleStore = store
        assert presence.next_expiry() is None and people.manual("alice") is None

    async def test_a_write_is_readable_at_once(self, store: Store) -> None:
        row = publication()
        store.put_publication(row)
        assert store.publications(ALICE, "presence") == (row,)
        assert store.publication(ALICE, "presence", "tag-1") == row
        assert store.publication(ALICE, "presence", "tag-2") is None
        assert store.publication(BOB, "presence", "tag-1") is None
        assert store.publications(ALICE, "dialog") == ()
        await store.commit()

    async def test_a_modify_replaces_the_lineage_and_its_tag(self, store: Store) -> None:
        store.put_publication(publication(entity_tag="old"))
        store.put_publication(publication(entity_tag="new", body=b"2"))
        await store.commit()
        assert store.publication(ALICE, "presence", "old") is None
        assert [row.body for row in store.publications(ALICE, "presence")] == [b"2"]

    async def test_publications_come_oldest_body_first(self, store: Store) -> None:
        store.put_publication(publication("b", published_at=T0 + 2))
        store.put_publication(publication("c", published_at=T0 + 1))
        store.put_publication(publication("a", published_at=T0 + 1))
        assert [row.id for row in store.publications(ALICE, "presence")] == ["a", "c", "b"]
        store.put_publication(publication("a", published_at=T0 + 3))
        assert [row.id for row in store.publications(ALICE, "presence")] == ["c", "b", "a"]

    async def test_subscriptions_of_a_resource_are_a_snapshot(self, store: Store) -> None:
        for key in ("x", "y", "z"):
            store.put_subscription(subscription(key))
        store.put_subscription(subscription("other", presentity=BOB))
        for row in store.subscriptions(ALICE, "presence"):
            store.remove_subscription(row.id)
        assert not store.subscriptions(ALICE, "presence")
        assert [row.id for row in store.all_subscriptions()] == ["other"]

    async def test_a_refresh_keeps_a_subscriptions_place(self, store: Store) -> None:
        for key in ("x", "y"):
            store.put_subscription(subscription(key))
        store.put_subscription(subscription("x", expires_at=T0 + 9000))
        assert [row.id for row in store.subscriptions(ALICE, "presence")] == ["x", "y"]

    async def test_counts_follow_the_rows(self, store: Store) -> None:
        store.put_publication(publication())
        store.put_subscription(subscription("x", state="pending"))
        store.put_subscription(subscription("x"))
        store.put_subscription(subscription("y", package="dialog"))
        store.remove_subscription("y")
        assert store.publication_counts() == {"presence": 1}
        assert store.subscription_counts() == {("presence", "active"): 1}

    async def test_removing_what_is_gone_is_no_error(self, store: Store) -> None:
        store.remove_publication("nobody")
        store.remove_subscription("nobody")
        store.remove_manual("nobody")
        store.remove_memory("nobody")
        await store.commit()

    async def test_expired_rows_are_told_until_removed(self, store: Store) -> None:
        store.put_publication(publication("late", expires_at=T0 + 20))
        store.put_publication(publication("soon", expires_at=T0 + 10))
        store.put_subscription(subscription("sub", expires_at=T0 + 15))
        assert store.next_expiry() == T0 + 10
        assert store.expired_publications(T0 + 9.9) == []
        assert [row.id for row in store.expired_publications(T0 + 20)] == ["soon", "late"]
        assert [row.id for row in store.expired_publications(T0 + 10)] == ["soon"]
        store.remove_publication("soon")
        assert store.expired_publications(T0 + 10) == []
        assert [row.id for row in store.expired_subscriptions(T0 + 15)] == ["sub"]
        assert store.next_expiry() == T0 + 15

    async def test_a_moved_expiry_counts_in_both_directions(self, store: Store) -> None:
        store.put_subscription(subscription(expires_at=T0 + 100))
        store.put_subscription(subscription(expires_at=T0 + 200))
        assert store.next_expiry() == T0 + 200
        store.put_subscription(subscription(expires_at=T0 + 50))
        assert store.next_expiry() == T0 + 50
        store.put_subscription(subscription(expires_at=T0 + 300))
        assert store.next_expiry(T0 + 300) is None
        assert store.next_expiry(T0 + 300.1) == store.next_expiry() == T0 + 300
        assert store.expired_subscriptions(T0 + 299) == []
        assert len(store.expired_subscriptions(T0 + 300)) == 1

    async def test_numbers_rise_by_one(self, store: Store) -> None:
        store.put_subscription(subscription(local_cseq=7))
        assert [store.next_cseq("sub-1") for _ in range(200)] == list(range(8, 208))
        assert [store.next_version("sub-1") for _ in range(200)] == list(range(200))
        with pytest.raises(KeyError):
            store.next_cseq("nobody")

    async def test_a_row_put_again_does_not_turn_numbers_back(self, store: Store) -> None:
        row = subscription(local_cseq=7)
        store.put_subscription(row)
        store.next_cseq("sub-1")
        store.next_version("sub-1")
        store.put_subscription(replace(row, expires_at=T0 + 9000))
        assert store.next_cseq("sub-1") == 9
        assert store.next_version("sub-1") == 1

    async def test_changes_come_after_the_commit_in_order(self, store: Store, clock: VirtualClock) -> None:
        told: list[Change] = []
        heard_before_commit: list[int] = []
        end = store.changes.subscribe(told.extend)
        written_at = clock.wall()
        for package in ("presence", "dialog", "presence"):
            store.note_change(ALICE, package)
            clock.advance(1)
        done = store.commit()
        done.add_done_callback(lambda _: heard_before_commit.append(len(told)))
        await done
        await asyncio.sleep(0)
        assert heard_before_commit == [0]
        assert [(change.presentity, change.package, change.at) for change in told] == [
            (ALICE, "presence", written_at),
            (ALICE, "dialog", written_at + 1),
        ]
        store.note_change(ALICE, "presence")
        await store.commit()
        await asyncio.sleep(0)
        assert [change.sequence for change in told] == sorted({change.sequence for change in told})
        assert len(told) == 3
        end()
        store.note_change(ALICE, "presence")
        await store.commit()
        await asyncio.sleep(0)
        assert len(told) == 3

    async def test_a_listener_that_fails_does_not_silence_the_others(self, store: Store) -> None:
        told: list[Change] = []
        failures: list[object] = []

        def fails(changes: Sequence[Change]) -> None:
            raise RuntimeError("a bug in a listener")

        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: failures.append(context["exception"])
        )
        store.changes.subscribe(fails)
        store.changes.subscribe(told.extend)
        for _ in range(2):
            store.note_change(ALICE, "presence")
            await store.commit()
            await asyncio.sleep(0)
        assert len(told) == len(failures) == 2

    async def test_a_writer_who_does_not_wait_is_served_too(self, store: Store) -> None:
        told: asyncio.Future[Sequence[Change]] = asyncio.get_running_loop().create_future()
        store.changes.subscribe(told.set_result)
        store.put_publication(publication())
        store.note_change(ALICE, "presence")
        async with asyncio.timeout(10):
            assert len(await told) == 1

    async def test_one_waiter_who_gives_up_leaves_the_others_waiting(self, store: Store) -> None:
        store.put_publication(publication("a"))
        first, second = store.commit(), store.commit()
        first.cancel()
        await second
        assert first.cancelled()

    async def test_manual_choices(self, store: Store) -> None:
        store.put_manual(choice())
        store.put_manual(choice(state=None, until=None))
        store.put_manual(choice("bob"))
        await store.commit()
        assert store.manual("alice") == choice(state=None, until=None)
        assert {row.person for row in store.manual_choices()} == {"alice", "bob"}
        store.remove_manual("bob")
        assert store.manual("bob") is None

    async def test_rule_memory_is_a_copy(self, store: Store) -> None:
        memory: dict[str, object] = {"held": {"lunch": T0}, "names": ["ö", None]}
        store.put_memory("alice", memory)
        memory.clear()
        known = store.memory("alice")
        assert known == {"held": {"lunch": T0}, "names": ["ö", None]}
        known.clear()
        assert store.memory("alice")
        store.remove_memory("alice")
        assert store.memory("alice") is None
        with pytest.raises(TypeError):
            store.put_memory("alice", {"not": object()})

    async def test_publications_of_ours_at_another_server(self, store: Store) -> None:
        first = StandingPublication(ALICE, "sip:presence.example.net", "tag-1", T0 + 60)
        store.put_standing(first)
        store.put_standing(replace(first, entity_tag="tag-2"))
        await store.commit()
        assert list(store.standing()) == [replace(first, entity_tag="tag-2")]
        store.remove_standing(ALICE)
        await store.commit()
        assert list(store.standing()) == []

    @pytest.mark.parametrize("bad", ["\ud800", "a\0b"])
    async def test_a_text_that_no_database_keeps_is_refused_alone(self, store: Store, bad: str) -> None:
        store.put_publication(publication("good"))
        with pytest.raises(UnstorableRow):
            store.put_publication(replace(publication("bad"), content_type=bad))
        with pytest.raises(UnstorableRow):
            store.put_subscription(replace(subscription(), route_set=(bad,)))
        with pytest.raises(UnstorableRow):
            store.put_subscription(replace(subscription(), remote_cseq=1 << 64))
        await store.commit()
        assert [row.id for row in store.publications(ALICE, "presence")] == ["good"]
        assert not store.all_subscriptions()

    async def test_a_closed_store_takes_nothing(self, store: Store) -> None:
        store.put_publication(publication())
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            store.put_publication(publication())

    async def test_users_by_name(self, store: Store) -> None:
        store.put_user(user())
        store.put_user(user("bob", md5=None))
        store.put_user(user("alice", realm="example.net"))
        assert store.user("alice") == user("alice", realm="example.net")
        assert {row.username for row in store.users()} == {"alice", "bob"}
        store.remove_user("bob")
        store.remove_user("bob")
        assert store.user("bob") is None
        await store.commit()

    async def test_ingress_tokens_by_id(self, store: Store) -> None:
        store.put_token(token("x"))
        store.put_token(token("y", person=None))
        store.put_token(token("x", note="lost"))
        assert set(store.tokens()) == {token("x", note="lost"), token("y", person=None)}
        store.remove_token("x")
        store.remove_token("x")
        assert store.tokens() == (token("y", person=None),)
        await store.commit()

    async def test_bindings_by_address_and_expiry(self, store: Store) -> None:
        store.put_binding(binding("x", expires_at=T0 + 20))
        store.put_binding(binding("y", expires_at=T0 + 10))
        store.put_binding(binding("z", address=BOB, expires_at=T0 + 30))
        assert [row.id for row in store.bindings(ALICE)] == ["x", "y"]
        assert store.next_expiry() == T0 + 10
        assert [row.id for row in store.expired_bindings(T0 + 20)] == ["y", "x"]
        store.remove_binding("y")
        store.put_binding(binding("x", expires_at=T0 + 90))
        assert [row.id for row in store.bindings(ALICE)] == ["x"] and store.next_expiry() == T0 + 30
        assert {row.id for row in store.all_bindings()} == {"x", "z"}
        await store.commit()
