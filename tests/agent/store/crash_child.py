"""A process that writes as a server would and says on stdout what was acknowledged, until it is killed.

One JSON line per acknowledged step: the step's number is in every row that it wrote.
"""

import asyncio
import json
import sys
from dataclasses import replace

from agent.clock import SystemClock
from agent.store.store import Store
from tests.agent.store.rows import ALICE, choice, publication, subscription

WRITERS = 8


async def _write(store: Store, writer: int, start: int) -> None:
    name = f"w{writer}"
    if store.subscription(name) is None:
        store.put_subscription(subscription(name))
    for step in range(start, sys.maxsize):
        store.put_publication(publication(name, entity_tag=str(step), body=b"%d" % step * 100))
        row = store.subscription(name)
        assert row is not None
        store.put_subscription(replace(row, remote_cseq=step))
        store.put_manual(choice(name, state=str(step)))
        store.note_change(ALICE, "presence")
        await store.commit()
        numbers = {"cseq": store.next_cseq(name), "version": store.next_version(name)}
        # As a NOTIFY on the wire: once written, it cannot be called back.
        sys.stdout.write(json.dumps({"writer": name, "step": step, **numbers}) + "\n")
        sys.stdout.flush()


async def main(url: str, start: int) -> None:
    store = await Store.open(url, SystemClock())
    async with asyncio.TaskGroup() as writers:
        for writer in range(WRITERS):
            writers.create_task(_write(store, writer, start))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
