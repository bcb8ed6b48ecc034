"""A 200 survives: after a restart, clean or by force, dialogs and entity-tags go on (RFC 6665 §4.2, RFC 3903 §6)."""

import asyncio
from pathlib import Path

import pytest

from agent.store.store import Store
from tests.support.phone import document, shown, state
from tests.support.virtual_loop import virtual_beside_threads
from tests.support.world import World, world


async def restart(here: World, url: str, *, clean: bool, away: float = 0.0) -> None:
    """Stop the server and start another on the same file. Not ``clean``: the old store is not asked to close first."""
    old = here.store
    here.server.close()
    if clean:
        await old.close()
    await asyncio.sleep(away)
    here.store = await Store.open(url, here.clock)
    if not clean:
        await old.close()
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
