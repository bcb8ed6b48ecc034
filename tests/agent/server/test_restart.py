"""A 200 survives: after a restart, clean or by force, dialogs and entity-tags go on (RFC 6665 §4.2, RFC 3903 §6)."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agent.server.subscribe import subscription_id
from agent.server.told import PAUSE
from agent.store.heartbeat import TRUST
from agent.store.store import Store
from tests.support.phone import document, shown, state
from tests.support.virtual_loop import virtual_beside_threads
from tests.support.world import World, world


async def restart(here: World, url: str, *, clean: bool, away: float = 0.0) -> None:
    """Stop the server and start another on the same file. Not ``clean``: the new one sees what was durable before the
    old one was asked to end."""
    old = here.store
    if not clean:
        here.store = await Store.open(url, here.clock)
        here.server.notifier.told._due.clear()  # it does not come to record what has been answered meanwhile
    here.server.close()
    await old.close()
    if clean:
        await asyncio.sleep(away)
        here.store = await Store.open(url, here.clock)
    await here.start()


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
@virtual_beside_threads
async def test_dialogs_go_on_with_rising_cseq_and_the_true_state(tmp_path: Path, clean: bool) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("before"), expires=3600)).headers.get("SIP-ETag")
        sub = await bob.subscribe(event="presence;id=1", expires=3600)
        await bob.notify()
        assert (await sub.ask(event="presence;id=1", expires=3600, cseq=7)).status == 200
        await bob.notify()
        for turn in range(3):
            answer = await alice.publish(document(f"{turn}"), etag=etag, expires=3600)
            etag = answer.headers.get("SIP-ETag")
            assert shown(await bob.notify()) == [("open", f"{turn}")]
        for _ in range(2):
            last = bob.notifies[-1].cseq.number
            await restart(here, url, clean=clean)
            told = await bob.notify(within=5)
            assert state(told) == "active" and shown(told) == [("open", "2")]
            assert told.cseq.number > last
            assert told.from_.tag == sub.to_tag and told.to.tag == sub.from_tag
            assert told.headers.get("Event") == "presence;id=1"
        answer = await alice.publish(document("after"), etag=etag, expires=3600)
        assert answer.status == 200 and answer.headers.get("SIP-ETag") != etag
        assert shown(await bob.notify()) == [("open", "after")]
        assert (await sub.ask(event="presence;id=1", cseq=6)).status == 500
        assert (await sub.ask(event="presence;id=1", cseq=9)).status == 200
        assert shown(await bob.notify()) == [("open", "after")]
        numbers = [notify.cseq.number for notify in bob.notifies]
        assert numbers == sorted(set(numbers))
        assert (await sub.ask(event="presence;id=1", cseq=10, expires=0)).status == 200
        assert state(await bob.notify()) == "terminated;reason=timeout"


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
@virtual_beside_threads
async def test_only_those_whose_document_changed_are_told_again(tmp_path: Path, clean: bool) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob, carol, dave = (here.phone(name) for name in ("alice", "bob", "carol", "dave"))
        stays = (await alice.publish(document("stays"), expires=3600)).headers.get("SIP-ETag")
        goes = document("goes", entity="sip:carol@example.org")
        await carol.publish(goes, uri="sip:carol@example.org", expires=100)
        await bob.subscribe(expires=3600)
        sub = await dave.subscribe(uri="sip:carol@example.org", expires=3600)
        lamp = await carol.subscribe(event="dialog", expires=3600)
        await asyncio.sleep(10)
        await here.store.commit()
        for phone in (bob, carol, dave):
            phone.forget()
        await restart(here, url, clean=clean)
        for phone in (bob, carol, dave):
            await phone.quiet(5)
        await restart(here, url, clean=True, away=200)
        assert shown(await dave.notify(within=5)) == [("closed", "")]
        await bob.quiet(5)
        assert (await sub.ask(expires=3600)).status == 200
        assert shown(await dave.notify()) == [("closed", "")], "who asks is told, whatever is on record"
        await alice.publish(document("new"), etag=stays, expires=3600)
        assert shown(await bob.notify()) == [("open", "new")]
        assert (await lamp.ask(event="dialog", expires=0)).status == 200


@virtual_beside_threads
async def test_a_change_that_changes_nothing_leaves_on_record_what_is_known(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.publish(document("In"), expires=3600)
        await bob.subscribe(expires=3600)
        await bob.notify()
        for pause in (0, 10):  # before and after it has gone on record for the first time
            await asyncio.sleep(pause)
            here.store.note_change("sip:alice@example.org", "presence")  # as when the rules decide as before
            await bob.quiet(5)
        here.store.beat()
        await here.store.commit()
        await restart(here, url, clean=False)
        await bob.quiet(5)


@virtual_beside_threads
async def test_nothing_is_put_on_record_just_before_lamps_change() -> None:
    async with world() as here:
        soon = True
        here.server.notifier.told.is_expecting = lambda seconds: soon
        await here.phone("alice").publish(document("here"), expires=3600)
        bob = here.phone("bob")
        await bob.subscribe(expires=3600)
        await bob.notify()
        await asyncio.sleep(10)
        assert not here.store.all_told()
        soon = False
        await asyncio.sleep(2 * PAUSE)
        assert list(here.store.all_told()) == ["sip:alice@example.org"]


@virtual_beside_threads
async def test_what_was_under_way_or_not_yet_on_record_is_told_once_more(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        etag = (await alice.publish(document("X"), expires=3600)).headers.get("SIP-ETag")
        await bob.subscribe(expires=3600)
        await asyncio.sleep(10)
        await here.store.commit()
        for turn, body in enumerate(("Y", "X")):
            etag = (await alice.publish(document(body), etag=etag, expires=3600)).headers.get("SIP-ETag")
            await asyncio.sleep(turn)  # first under way, then acknowledged a moment ago
            bob.forget()
            await restart(here, url, clean=False)
            assert shown(await bob.notify(within=5)) == [("open", body)]
            await asyncio.sleep(10)
            await here.store.commit()


@virtual_beside_threads
async def test_after_a_run_that_lived_from_memory_everybody_is_told(tmp_path: Path) -> None:
    """Own decisions may have been told that are on no record: what is on record of watchers is not to be believed."""
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        await alice.publish(document("stays"), expires=3600)
        await bob.subscribe(expires=3600)
        await asyncio.sleep(TRUST + 1)
        bob.forget()
        await restart(here, url, clean=False)
        assert shown(await bob.notify(within=5)) == [("open", "stays")]


@virtual_beside_threads
async def test_what_expired_while_it_was_down_is_told_when_it_is_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice, bob, carol = here.phone("alice"), here.phone("bob"), here.phone("carol")
        await alice.publish(document("In"), expires=60)
        await bob.subscribe(expires=90)
        await carol.subscribe(expires=3600)
        assert shown(await bob.notify()) == [("open", "In")]
        carol.forget()
        await restart(here, url, clean=True, away=200)
        assert shown(await carol.notify(within=2)) == [("closed", "")]
        ended = await bob.notify(within=2)
        if state(ended) == "active":
            ended = await bob.notify(within=2)
        assert state(ended) == "terminated;reason=timeout"
        await bob.quiet(20)


@virtual_beside_threads
async def test_an_answered_publication_is_never_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        alice = here.phone("alice")
        tags = {}
        for number in range(30):
            uri = f"sip:u{number}@example.org"
            tags[uri] = (await alice.publish(document(f"{number}"), uri=uri)).headers.get("SIP-ETag")
        await restart(here, url, clean=False)
        for uri, tag in tags.items():
            assert (await alice.publish(uri=uri, etag=tag)).status == 200


@virtual_beside_threads
async def test_rows_made_together_stand_together_in_the_index(tmp_path: Path) -> None:
    async with world(url=f"sqlite:///{tmp_path}/state.db") as here:
        bob = here.phone("bob")
        for _ in range(20):
            await bob.subscribe()
            await asyncio.sleep(0.1)
        keys = [row.id for row in here.store.all_subscriptions()]
        assert len(keys) == 20 and keys == sorted(keys)


@virtual_beside_threads
async def test_a_dialog_whose_tag_does_not_begin_with_the_time_goes_on(tmp_path: Path) -> None:
    """As the versions before wrote them."""
    async with world(url=f"sqlite:///{tmp_path}/state.db") as here:
        bob = here.phone("bob")
        sub = await bob.subscribe()
        await bob.notify()
        (row,) = here.store.all_subscriptions()
        tag = row.local_tag[-16:]
        here.store.remove_subscription(row.id)
        older = replace(row, local_tag=tag, id=subscription_id(row.call_id, tag, row.remote_tag))
        assert len(older.id) == 24
        here.store.put_subscription(older)
        assert sub.answer.to.tag == row.local_tag
        data = sub.compose().replace(row.local_tag.encode(), tag.encode())
        assert (await bob.ask(data)).status == 200
        assert (await bob.notify()).from_.tag == tag
