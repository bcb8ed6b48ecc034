"""What ends or changes by the clock alone: expiries of publications and subscriptions, boundaries inside documents."""

import asyncio
import heapq
from datetime import datetime

from agent.clock import Clock
from agent.presence.subscription import Reason
from agent.server.notifier import Notifier
from agent.store.protocols import PresenceStore

LONGEST_WAIT = 20.0
"Seconds. The wall clock may be set; no wait trusts it for longer."
SHORTEST_WAIT = 0.02
"Expiries that come in a bunch are swept together."


class Sweeper:
    """Armed by itself; tell it with `wake` that something with an expiry was written."""

    def __init__(self, store: PresenceStore, notifier: Notifier, clock: Clock) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._boundaries: list[tuple[float, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")
        self._closed = False

    def at_boundary(self, presentity: str, when: datetime) -> None:
        """The presentity's document changes at ``when`` by the clock alone."""
        heapq.heappush(self._boundaries, (when.timestamp(), presentity))
        self.wake()

    def wake(self) -> None:
        """Look again at what is due next."""
        if self._closed:
            return
        now = self._clock.wall()
        nearest = self._store.next_expiry()
        if self._boundaries and (nearest is None or self._boundaries[0][0] < nearest):
            nearest = self._boundaries[0][0]
        wait = LONGEST_WAIT if nearest is None else min(max(nearest - now, SHORTEST_WAIT), LONGEST_WAIT)
        loop = asyncio.get_running_loop()
        due = loop.time() + wait
        if due >= self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = loop.call_later(wait, self._sweep)

    def _sweep(self) -> None:
        self._timer, self._due = None, float("inf")
        now = self._clock.wall()
        store = self._store
        wrote = False
        for publication in store.expired_publications(now):
            store.remove_publication(publication.id)
            store.note_change(publication.presentity, publication.package)
            wrote = True
        for row in store.expired_subscriptions(now):
            cseq = self._notifier.reserve_final(row)
            store.remove_subscription(row.id)
            self._notifier.end(row, Reason.TIMEOUT, cseq)
            wrote = True
        while self._boundaries and self._boundaries[0][0] <= now:
            self._notifier.state_changed(heapq.heappop(self._boundaries)[1], now)
        if wrote:
            store.commit().add_done_callback(lambda done: done.cancelled() or done.exception())
        self.wake()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
