"""How many subscriptions a watcher, and everybody together, may have (RFC 6665 §6.3)."""

from collections.abc import Iterable

from agent.presence.records import Subscription


class Quota:
    def __init__(self, per_watcher: int, in_all: int, existing: Iterable[Subscription] = ()) -> None:
        self._per_watcher = per_watcher
        self._in_all = in_all
        self._counts: dict[str, int] = {}
        self._total = 0
        for row in existing:
            self.add(row.watcher)

    def add(self, watcher: str) -> None:
        self._counts[watcher] = self._counts.get(watcher, 0) + 1
        self._total += 1

    def remove(self, watcher: str) -> None:
        left = self._counts.pop(watcher, 0) - 1
        if left > 0:
            self._counts[watcher] = left
        self._total -= 1

    def watcher_is_full(self, watcher: str) -> bool:
        return self._counts.get(watcher, 0) >= self._per_watcher

    @property
    def is_full(self) -> bool:
        return self._total >= self._in_all
