"""Timers of few lengths and many instances: one FIFO per length instead of a heap.

RFC 3261's timers come in a handful of lengths (0.5, 1, 2, 4, 32 s …). In a queue of equal lengths the first to be set
is the first to be due, so setting costs an append and a cancelled timer costs nothing until it comes to the head.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar


class Timed:
    """What has one timer. ``due``: when the one that was set last is due; 0: none is waited for."""

    __slots__ = ("due",)

    def __init__(self) -> None:
        self.due = 0.0


T = TypeVar("T", bound=Timed)


class TimerQueues(Generic[T]):
    """``now`` must not go back between calls (monotonic seconds). A timer counts while its item says so by ``due``."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[float, deque[tuple[float, T]]] = {}

    def set(self, length: float, item: T, now: float) -> float:
        """Set its timer, in the place of the one before; returns the moment at which it is due."""
        queue = self._queues.get(length)
        if queue is None:
            queue = self._queues[length] = deque()
        item.due = due = now + length
        queue.append((due, item))
        return due

    def next_deadline(self) -> float | None:
        """When `expired` next has something to give; dead timers at the heads are thrown away on the way."""
        earliest: float | None = None
        for queue in self._queues.values():
            while queue:
                due, item = queue[0]
                if item.due == due:
                    if earliest is None or due < earliest:
                        earliest = due
                    break
                queue.popleft()
        return earliest

    def expired(self, now: float) -> Iterator[T]:
        """The items whose live timers are due. New timers may be set while iterating."""
        for queue in list(self._queues.values()):
            while queue and queue[0][0] <= now:
                due, item = queue.popleft()
                if item.due == due:
                    yield item

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())
