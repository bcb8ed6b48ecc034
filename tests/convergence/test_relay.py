"""Real sockets, a real service, and a path between that loses a tenth, doubles a twentieth and reorders a fifth."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.crash.load import Pace, Source
from tests.crash.run import SETTINGS
from tests.support.callers import UDP, Callers
from tests.support.relay import Relay
from tests.support.served import Served

LEFT = re.compile(r'^lamplighter_kept\{what="(.*?)"\} ([\d.]+)$', re.MULTILINE)
PATIENCE = 90.0
"Real seconds; a lost NOTIFY is sent again for 32 of them."


@pytest.mark.slow
async def test_every_watcher_ends_with_the_true_state_and_nothing_is_left_over(tmp_path: Path) -> None:
    random = Random(1)
    served = Served(tmp_path, SETTINGS)
    await served.start()
    relays = [Relay(served.address, random) for _ in range(4)]
    callers = [await Callers.open(relay.inside) for relay in relays]
    for caller, relay in zip(callers, relays, strict=True):
        caller.seen_at = relay.outside
        caller.tcp_server = served.address
    pace = Pace()
    sources = [Source(caller, pace, f"s{number}", UDP) for number, caller in enumerate(callers)]
    watchers = [watcher for source in sources for watcher in source.watchers]
    try:

        async def change(source: Source) -> None:
            for _ in range(15):
                await source.publish()
                await asyncio.sleep(random.uniform(0, 0.2))

        async def watch(number: int) -> None:
            watcher = watchers[number]
            while not watcher.subscribed:
                await watcher.subscribe()
            for _ in range(3):
                await asyncio.sleep(random.uniform(0, 1))
                await watcher.refresh()

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*map(change, sources), *map(watch, range(len(watchers))))
        assert sum(relay.lost for relay in relays) > 8, "the path was not bad enough"
        for source in sources:
            assert source.acknowledged is not None
            note = source.acknowledged.encode()
            await _until(lambda source=source, note=note: all(
                note in (watcher.body or b"") for watcher in source.watchers if watcher.package == "presence"
            ), f"everybody shows {source.acknowledged}")  # fmt: skip
            assert source.watchers[0].body is not None and source.judged(source.watchers[0].body) is None
        assert not pace.faults, pace.faults
        for relay in relays:
            relay.loss = 0.0
        for watcher in watchers:
            await watcher.unsubscribe()
        async with asyncio.timeout(PATIENCE):
            while any(left := (await _left(served)).values()):
                await asyncio.sleep(0.5)
        assert not any(left)
    finally:
        for each in (*callers, *relays):
            each.close()
        await served.end()


async def _until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it never happened that {what}") from None


async def _left(served: Served) -> dict[str, float]:
    """What the service keeps, but for the connections, which are there as long as the watchers want."""
    _, text = await served.scrape("/metrics")
    return {what: float(size) for what, size in LEFT.findall(text) if what != "connections"}
