"""Garbage collection that keeps out of the lamps' way.

Python frees by reference counts; only cycles need its collector, and there are few here. But the collector's full pass
looks through everything that lives: with ten thousand subscriptions that is a fifth of a second in which no NOTIFY
leaves, and it comes when most is going on. So the full pass is made when nothing is owed to any watcher. Measured:
docs/PERFORMANCE.md.
"""

import ctypes
import gc
from collections.abc import Awaitable, Callable

YOUNG = 20_000
"Objects made before the young ones are looked through: a storm's worth of messages dies before that."
MIDDLE = 1
"Passes over the young ones before survivors are looked through, which takes 10 ms then; at 5 it took 26, at 50 250."
NEVER = 1_000_000
EVERY = 300.0
"Seconds between two full passes."
CLEAR = 2.0
"Seconds in which nothing is known to happen: meetings begin at the full hour, and so may this pass."
PATIENCE = 60
"Seconds that a full pass waits for a quiet moment before it is made all the same."


def settle() -> None:
    """After the start: what has been loaded stays, and the full pass is ours to call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)


async def collect_when_quiet(
    is_quiet: Callable[[], bool], sleep: Callable[[float], Awaitable[object]]
) -> None:
    """For good. To be run as a service of the supervisor."""
    while True:
        await sleep(EVERY)
        for _ in range(PATIENCE):
            if is_quiet():
                break
            await sleep(1.0)
        gc.collect()
        give_back()


def give_back() -> bool:
    """Whole pages that are free go back to the system; returns whether there were any. glibc does so by itself at the
    heap's end only, so that a busy hour would be remembered for good. Takes two milliseconds.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError):
        return False  # another C library
