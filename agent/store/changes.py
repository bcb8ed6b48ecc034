"""The change feed: what the notifier follows, so that nobody is told of what is not durable."""

import asyncio
from collections.abc import Callable, Sequence

from agent.presence.records import Change

ChangeCallback = Callable[[Sequence[Change]], None]


class ChangeFeed:
    """Hands every group's changes to its subscribers, in order, after the group was committed.

    The callbacks run one turn of the event loop after the group's commits resolved: whoever wrote has sent its
    answer by then.
    """

    def __init__(self, last: int = 0) -> None:
        self.last = last
        "The highest sequence number given out."
        self._callbacks: list[ChangeCallback] = []

    def subscribe(self, callback: ChangeCallback) -> Callable[[], None]:
        """Call `callback` with each group's changes, never with none. Returns what ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def number(self) -> int:
        self.last += 1
        return self.last

    def deliver(self, changes: Sequence[Change]) -> None:
        # One call_soon each: a callback that raises does not keep the others from hearing.
        loop = asyncio.get_running_loop()
        for callback in self._callbacks:
            loop.call_soon(callback, changes)
