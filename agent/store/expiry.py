"""Which rows expire when: a heap with lazy deletion.

Every live row has at least one heap entry at or before its expiry. A refresh, which moves the expiry away,
therefore costs nothing: the old entry is moved when it comes to the top. Only an expiry that comes nearer is pushed.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final, Generic, Protocol, TypeVar


class Expiring(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def expires_at(self) -> float: ...


RowT = TypeVar("RowT", bound=Expiring)

_SLACK: Final = 64
"Below this many dead entries a rebuild is not worth its while."


class ExpiryIndex(Generic[RowT]):
    """Looks into `rows`, which its owner keeps: id → row."""

    def __init__(self, rows: Mapping[str, RowT]) -> None:
        self._rows = rows
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        """Heap entries, dead ones included: at most twice the rows, and a little."""
        return len(self._heap)

    def rebuild(self) -> None:
        """After a load, and when most entries are dead. O(rows)."""
        self._heap = [(row.expires_at, row.id) for row in self._rows.values()]
        heapify(self._heap)

    def changed(self, row: RowT, before: RowT | None) -> None:
        """`row` is in `rows` now, in the place of `before`."""
        if before is None or row.expires_at < before.expires_at:
            heap = self._heap
            heappush(heap, (row.expires_at, row.id))
            if len(heap) > 2 * len(self._rows) + _SLACK:
                self.rebuild()

    def next(self, before: float = inf) -> float | None:
        """The nearest expiry that is earlier than ``before``; None when nothing can expire until then."""
        heap = self._heap
        while heap:
            due, key = heap[0]
            if due >= before:
                return None
            row = self._rows.get(key)
            if row is None:
                heappop(heap)
            elif row.expires_at > due:
                heappop(heap)
                heappush(heap, (row.expires_at, key))
            else:
                return due
        return None

    def due(self, now: float) -> list[RowT]:
        """Rows with ``expires_at <= now``, first expired first. They stay listed until they are removed."""
        found: dict[str, RowT] = {}
        while (nearest := self.next()) is not None and nearest <= now:
            key = heappop(self._heap)[1]
            found[key] = self._rows[key]
        for row in found.values():
            heappush(self._heap, (row.expires_at, row.id))
        return list(found.values())
