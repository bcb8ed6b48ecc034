"""CSeq and document version of every subscription: strictly rising, over restarts too, without a write each.

What the database holds is not the number itself but a ceiling: at least one whole block above every number
given out so far. It is written again only when a number crosses into the next block. A restarted server goes on
at the ceiling; the gap is allowed, going back is not (RFC 3261 §12.2.1.1, §12.2.2).
"""

from agent.presence.records import Subscription

BLOCK = 64


def ceiling(number: int) -> int:
    """What is stored for `number`: between one and two blocks above it."""
    return (number // BLOCK + 2) * BLOCK


class _Counter:
    __slots__ = ("cseq", "version")

    def __init__(self, cseq: int, version: int) -> None:
        self.cseq = cseq
        self.version = version


class Numbering:
    """Counters in memory; made when a subscription is first numbered."""

    def __init__(self) -> None:
        self._counters: dict[str, _Counter] = {}

    def _counter(self, row: Subscription) -> _Counter:
        counter = self._counters.get(row.id)
        if counter is None:
            counter = self._counters[row.id] = _Counter(row.local_cseq, row.version)
        return counter

    def next_cseq(self, row: Subscription) -> tuple[int, bool]:
        """The next NOTIFY's CSeq, and whether the stored ceiling must be raised."""
        counter = self._counter(row)
        counter.cseq += 1
        return counter.cseq, counter.cseq % BLOCK == 0

    def next_version(self, row: Subscription) -> tuple[int, bool]:
        """The next document's version (the first is the row's own), and whether the ceiling must be raised."""
        counter = self._counter(row)
        counter.version += 1
        return counter.version - 1, counter.version % BLOCK == 0

    def raise_to(self, row: Subscription) -> None:
        """The row was put again: its numbers count only if they are higher."""
        counter = self._counters.get(row.id)
        if counter is not None:
            counter.cseq = max(counter.cseq, row.local_cseq)
            counter.version = max(counter.version, row.version)

    def ceilings(self, row: Subscription) -> tuple[int, int]:
        """(CSeq, version) to store."""
        counter = self._counters.get(row.id)
        if counter is None:
            return ceiling(row.local_cseq), ceiling(row.version)
        return ceiling(counter.cseq), ceiling(counter.version)

    def forget(self, subscription_id: str) -> None:
        self._counters.pop(subscription_id, None)
