"""Keeps on record what watchers have acknowledged, so that after a restart only those hear what is news to them.

Cheap, because it is written late and seldom: one small row for each presentity, some time after its watchers have
answered. It never says too much: the store forgets the row in the same group that brings a change (`note_change`), and
nobody is told of the change before that group is durable. A NOTIFY that was under way when the process died is not on
record, so it is sent again.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from agent.clock import Clock
from agent.presence.records import Subscription, Told
from agent.presence.told import digest, mark, packed, unpacked
from agent.server.views import View
from agent.server.watch import Watch
from agent.store.protocols import PresenceStore

SETTLED_AFTER: Final = 2.0
"Seconds after an answer: whoever changes again meanwhile costs no row."
SLICE: Final = 50
"Presentities recorded at a time: a millisecond or two in which no NOTIFY leaves."
PAUSE: Final = 0.5
"Seconds between two slices."


class ToldRecord:
    """``watches``: the notifier's, by subscription. ``boundary(presentity)``: the moment (wall clock) from which its
    documents may be others by the clock alone. ``is_busy()``: there is more urgent work."""

    def __init__(
        self,
        store: PresenceStore,
        packages: Iterable[str],
        clock: Clock,
        watches: Mapping[str, Watch],
        boundary: Callable[[str], float | None],
        is_busy: Callable[[], bool],
    ) -> None:
        self._store = store
        self._packages = packages
        self._clock = clock
        self._watches = watches
        self._boundary = boundary
        self._is_busy = is_busy
        self.is_expecting: Callable[[float], bool] = lambda seconds: False
        """``is_expecting(seconds)``: whether lamps may change so soon. What is recorded just before holds up the write
        that they wait for: now and then the database tidies its log on such an occasion, for a tenth of a second."""
        self._on_record = store.all_told()
        self._due: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._before: dict[str, frozenset[bytes]] = {}
        "What was on record at the start, until it is known to be old."

    def resume(self, presentities: Iterable[str]) -> None:
        """At a start: these have watchers."""
        now = self._clock.wall()
        for presentity in presentities:
            row = self._store.told(presentity)
            if row is not None and (row.until is None or now < row.until):
                self._before[presentity] = unpacked(row.marks)

    def knows(self, row: Subscription, view: View) -> bool:
        """Whether a watcher of before the start has acknowledged this very document then, and none since."""
        marks = self._before.get(row.presentity)
        return marks is not None and mark(row, digest(view.media_type, view.body)) in marks

    def changed(self, presentity: str) -> None:
        """Its documents may be others from now on."""
        self._before.pop(presentity, None)
        self.outdated(presentity)

    def outdated(self, presentity: str) -> None:
        """One of its watchers is about to be told another document."""
        # The store has done so already where a write was the cause; here for all other causes.
        if presentity in self._on_record:  # asked for each NOTIFY
            self._store.forget_told(presentity)

    def answered(self, presentity: str) -> None:
        """A watcher of it has acknowledged a document, or one that is its document still."""
        self._due[presentity] = None
        self._arm()

    def unwatched(self, presentity: str) -> None:
        """Nobody is left who could know anything."""
        self._due.pop(presentity, None)
        self.changed(presentity)

    def close(self) -> None:
        """Record what is due, for the last time."""
        if self._timer is not None:
            self._timer.cancel()
        for presentity in self._due:
            self._record(presentity)
        self._due.clear()

    def _arm(self, delay: float = SETTLED_AFTER) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if not self._is_busy() and not self.is_expecting(PAUSE):
            for presentity in list(self._due)[:SLICE]:
                del self._due[presentity]
                self._record(presentity)
            # Nobody waits for it. What is not recorded is told once too often after a restart, never too seldom.
            self._store.commit().add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._due:
            self._arm(PAUSE)

    def _record(self, presentity: str) -> None:
        if not self._store.available:
            return
        marks = packed(self._acknowledged(presentity))
        if not marks:
            self._store.forget_told(presentity)
            return
        row = Told(presentity, self._boundary(presentity), marks)
        if self._store.told(presentity) != row:
            self._store.put_told(row)

    def _acknowledged(self, presentity: str) -> Iterator[bytes]:
        """Of each watcher whose document is known for sure."""
        digests: dict[tuple[str, bytes], str] = {}
        for package in self._packages:
            for row in self._store.subscriptions(presentity, package):
                watch = self._watches.get(row.id)
                if watch is not None and watch.sent is not None and not watch.in_flight:
                    document = (watch.sent.media_type, watch.sent.body)
                    if document not in digests:  # nearly all know the same one
                        digests[document] = digest(*document)
                    yield mark(row, digests[document])

    def __len__(self) -> int:
        """Presentities that wait to be recorded."""
        return len(self._due)
