"""CSeq and document version of every subscription: strictly rising, over restarts too, without a write each.

What the database holds is not the number itself but a ceiling: at least one whole block above every number
given out so far. It is written again only when a number crosses into the next block. A restarted server goes on
above the ceiling; a watcher must accept the gap, but would refuse a number that went back (RFC 3261 §12.2.2).

Every start lifts all ceilings by `RESTART_GAP`. To do that without rewriting every row, a ceiling is stored
less the gaps of the starts before it was written, and read plus the gaps of all starts so far.
"""

from typing import Final

from agent.presence.records import Subscription

BLOCK: Final = 64

RESTART_GAP: Final = 1 << 16
"""Far more than a block, for the run before may have ended while the database took no writes and numbers had
passed their ceilings. 31 bits (RFC 3261 §8.1.1.5) allow a dialog 32,000 starts.
"""


def ceiling(number: int) -> int:
    """What must be stored for `number`: between one and two blocks above it."""
    return (number // BLOCK + 2) * BLOCK


def loaded(stored: int, starts: int) -> int:
    """The number to go on from, in the run that is the `starts`-th: what is stored covers it until the next block."""
    return stored + starts * RESTART_GAP - 2 * BLOCK


class _Counter:
    __slots__ = ("cseq", "version")

    def __init__(self, cseq: int, version: int) -> None:
        self.cseq = cseq
        self.version = version


class Numbering:
    """Counters in memory; made when a subscription is first numbered.

    :param starts: how often this database was opened, this time included.
    """

    def __init__(self, starts: int = 0) -> None:
        self._lifted = starts * RESTART_GAP
        self._counters: dict[str, _Counter] = {}

    def _counter(self, row: Subscription) -> _Counter:
        counter = self._counters.get(row.id)
        if counter is None:
            counter = self._counters[row.id] = _Counter(row.local_cseq, row.version)
        return counter

    def next_cseq(self, row: Subscription) -> tuple[int, bool]:
        """The next NOTIFY's CSeq, and whether the stored ceiling must be raised."""
        counter = self._counters.get(row.id)
        if counter is None:
            counter = self._counter(row)
        counter.cseq += 1
        return counter.cseq, counter.cseq % BLOCK == 0

    def next_version(self, row: Subscription) -> tuple[int, bool]:
        """The next document's version (the first is the row's own), and whether the ceiling must be raised."""
        counter = self._counter(row)
        counter.version += 1
        return counter.version - 1, counter.version % BLOCK == 0

    def raise_to(self, row: Subscription, before: Subscription | None) -> None:
        """`row` was put in the place of `before`: its numbers count only if they are higher."""
        if before is None and row.id not in self._counters:
            return
        counter = self._counter(before or row)
        counter.cseq = max(counter.cseq, row.local_cseq)
        counter.version = max(counter.version, row.version)

    def stored(self, row: Subscription) -> tuple[int, int]:
        """The ceilings of (CSeq, version) as the database keeps them."""
        counter = self._counters.get(row.id)
        if counter is not None:
            return ceiling(counter.cseq) - self._lifted, ceiling(counter.version) - self._lifted
        first = ceiling(row.local_cseq) - self._lifted
        return first, first if row.version == row.local_cseq else ceiling(row.version) - self._lifted

    def forget(self, subscription_id: str) -> None:
        self._counters.pop(subscription_id, None)
