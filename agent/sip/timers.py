"""Timers of few lengths and many instances: one FIFO per length instead of a heap.

RFC 3261's timers come in a handful of lengths (0.5, 1, 2, 4, 32 s …). In a queue of equal lengths the first to be set
is the first to be due, so setting costs an append and a cancelled timer costs nothing until it comes to the head.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class TimerQueues(Generic[T]):
    """``now`` must not go back between calls (monotonic seconds)."""

    __slots__ = ("_is_live", "_queues")

    def __init__(self, is_live: Callable[[T, float], bool]) -> None:
        """``is_live(item, due)``: whether the item still waits for the timer that was set for ``due``."""
        self._queues: dict[float, deque[tuple[float, T]]] = {}
        self._is_live = is_live

    def set(self, length: float, item: T, now: float) -> float:
        """Set a timer; returns the moment at which it is due."""
        queue = self._queues.get(length)
        if queue is None:
            queue = self._queues[length] = deque()
        due = now + length
        queue.append((due, item))
        return due

    def next_deadline(self) -> float | None:
        """When `expired` next has something to give; dead timers at the heads are thrown away on the way."""
        earliest: float | None = None
        is_live = self._is_live
        for queue in self._queues.values():
            while queue and not is_live(queue[0][1], queue[0][0]):
                queue.popleft()
            if queue and (earliest is None or queue[0][0] < earliest):
                earliest = queue[0][0]
        return earliest

    def expired(self, now: float) -> Iterator[T]:
        """The items whose live timers are due. New timers may be set while iterating."""
        for queue in list(self._queues.values()):
            while queue and queue[0][0] <= now:
                due, item = queue.popleft()
                if self._is_live(item, due):
                    yield item

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())
