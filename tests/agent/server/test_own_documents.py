"""What the service has written itself it does not read and compose again. No watcher may see a difference."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from agent.documents.dialog_info import CONTENT_TYPE as DIALOG_INFO
from agent.documents.written import Written
from agent.net.memory import Hop
from agent.publisher.compose import publish_body
from agent.publisher.publisher import Options, Publisher
from agent.store.store import Store
from rules.decision import Basic, Coming, Decision, Lamp, Note
from tests.support.clock import MONDAY_NINE
from tests.support.phone import ALICE, document
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import World, world

HOUR = timedelta(hours=1)
MEETING = Coming(MONDAY_NINE + HOUR, None, "dnd", Basic.CLOSED, (Note("In a meeting"),), ("meeting",))
FREE = Decision("alice", "available", Basic.OPEN, notes=(Note("Here"),), coming=(MEETING,))
BUSY = Decision("alice", "dnd", Basic.CLOSED, ("meeting",), notes=(Note("In a meeting"),), lamp=Lamp.LIT)


def written(decision: Decision) -> bytes:
    body = publish_body(decision, ALICE, MONDAY_NINE, changed_at=MONDAY_NINE)
    assert isinstance(body, Written)
    return body


def publisher(here: World) -> Publisher:
    return Publisher(
        Hop(here.server.driver), here.clock, here.spawn, Options(), token=lambda: "t", spread=lambda: 0.5
    )


async def told(body: Callable[[Decision], bytes]) -> list[list[tuple[float, bytes]]]:
    """What three watchers are told, and when, while alice is published by us and for a time by her softphone."""
    async with world() as here:
        start = asyncio.get_running_loop().time()
        own, softphone = publisher(here), here.phone("alice")
        bob, lamp, late = here.phone("bob"), here.phone("lamp"), here.phone("late")
        await bob.subscribe(expires=36_000)
        await lamp.subscribe(f"Accept: {DIALOG_INFO}", event="dialog", expires=36_000)
        own.publish(ALICE, body(FREE))
        await asyncio.sleep(5)
        answer = await softphone.publish(document("on my way", tuple_id="soft"))
        await asyncio.sleep(5)
        own.publish(ALICE, body(BUSY))
        await asyncio.sleep(5)
        await softphone.publish(etag=answer.headers.get("SIP-ETag"), expires=0)
        await asyncio.sleep(5)
        own.publish(ALICE, body(FREE))
        await asyncio.sleep(3 * 3600)  # what was coming has come, and nobody has said so
        await softphone.publish(document("late", tuple_id="soft"), expires=60)
        await asyncio.sleep(90)
        await late.subscribe(expires=600)
        await asyncio.sleep(5)
        own.publish(ALICE, None)
        await asyncio.sleep(5)
        return [
            [
                (round(got.at - start, 3), got.message.body)
                for got in phone.got
                if got.data.startswith(b"NOTIFY")
            ]
            for phone in (bob, lamp, late)
        ]


@virtual
async def test_watchers_are_told_what_they_would_be_told_of_the_same_bytes_from_elsewhere() -> None:
    as_written = await told(written)
    assert as_written == await told(lambda decision: bytes(written(decision)))
    to_bob, to_lamp, to_late = ([body for _, body in each] for each in as_written)
    assert written(FREE) in to_bob and written(BUSY) in to_bob, "as they are"
    assert len(set(to_bob)) >= 5 and len(to_lamp) >= 3
    assert b"In a meeting" not in to_late[0], "what has begun is announced no more"


@virtual_beside_threads
async def test_what_comes_out_of_the_database_is_told_as_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        bob = here.phone("bob")
        await bob.subscribe(expires=3600)
        publisher(here).publish(ALICE, written(BUSY))
        await asyncio.sleep(5)
        assert [notify.body for notify in bob.notifies][-1] == written(BUSY)
        here.server.close()
        await here.store.close()
        here.store = await Store.open(url, here.clock)
        await here.start()
        (row,) = here.store.publications(ALICE, "presence")
        assert type(row.body) is bytes and row.body == written(BUSY)
        await bob.quiet(5)
        carol = here.phone("carol")
        await carol.subscribe()
        assert (await carol.notify()).body == written(BUSY)
