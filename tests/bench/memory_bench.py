"""What one subscription and one publication cost in memory, counted over many, when all is settled.

    python -m tests.bench.memory_bench [--number 100000] [--traced]

The server is the real one with SQLite; requests arrive as datagrams, every NOTIFY is answered. Settled means: the
transactions of the last half minute are over and no cache has still to be filled. RSS is what the kernel says the
process holds; ``--traced`` counts what Python has allocated instead, which is exact but slow.
"""

import argparse
import asyncio
import ctypes
import gc
import tracemalloc
from collections.abc import Callable

from tests.bench.workloads import Load, publish, running_load, subscribe

WATCHERS = 10
AT_ONCE = 5_000
"Requests made together: they too take memory."


def resident() -> int:
    """Bytes of this process in memory, after what is free has been given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def settle(load: Load) -> None:
    """Let every timer of the transactions run out."""
    endpoint = load.driver.endpoint
    for seconds in (5, 40):
        endpoint.handle_timeout(load.driver.clock.monotonic() + seconds)
        endpoint.take_outbox()
    endpoint.next_deadline()
    await asyncio.sleep(0.05)
    assert endpoint.open_transactions == (0, 0), endpoint.open_transactions


async def subscriptions(load: Load, first: int, number: int) -> None:
    """``number`` subscriptions, ten to a person."""
    for begin in range(first, first + number, AT_ONCE):
        count = min(AT_ONCE, first + number - begin)
        requests = [subscribe(k // WATCHERS, k % WATCHERS) for k in range(begin, begin + count)]
        await load.run(requests, count)
    await settle(load)


async def publications(load: Load, first: int, number: int) -> None:
    """One a person; nobody watches them."""
    for begin in range(first, first + number, AT_ONCE):
        count = min(AT_ONCE, first + number - begin)
        await load.run([publish(i, 1, None) for i in range(begin, begin + count)], 0)
    load.tags.clear()
    await settle(load)


async def measure(number: int, held: Callable[[], int], before_that: int = 20_000) -> dict[str, float]:
    """Bytes each, by what was made. ``before_that``: how many of each fill the caches first."""
    found: dict[str, float] = {}
    for name, make in (("subscription", subscriptions), ("publication", publications)):
        async with running_load() as load:
            await make(load, 10_000_000, before_that)  # caches and pools are filled, and counted with nobody
            before = held()
            await make(load, 0, number)
            found[name] = (held() - before) / number
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--number", type=int, default=100_000)
    options.add_argument("--traced", action="store_true")
    given = options.parse_args()
    if given.traced:
        tracemalloc.start()
    for name, size in asyncio.run(measure(given.number, traced if given.traced else resident)).items():
        print(f"memory of one {name} over {given.number:,}: {size / 1000:.2f} kB")


if __name__ == "__main__":
    main()
