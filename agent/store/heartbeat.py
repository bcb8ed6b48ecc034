"""The store's heartbeat: a small write now and then, which finds a sick database before somebody needs it.

It also says how far the database can be believed after a crash. While it takes no writes, watchers are told of our own
decisions all the same, and nothing of that is on record. So each beat stores a moment until which everything that
watchers know is on record, and nothing unrecorded is told before that moment has passed.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

EVERY = 5.0
"Seconds between two beats; also how long a database that has recovered waits to be noticed."
TRUST = 15.0
"Seconds that a beat holds good: three of them may be late."
FOR_GOOD = 4_102_444_800.0
"The year 2100: stored by a store that was closed, after which nobody is told anything."


class Beating(Protocol):
    def beat(self) -> None: ...


async def keep_beating(store: Beating, sleep: Callable[[float], Awaitable[object]]) -> None:
    """For good. To be run as a service of the supervisor."""
    while True:
        await sleep(EVERY)
        store.beat()
