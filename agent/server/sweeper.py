"""What ends or changes by the clock alone: expiries of publications and subscriptions, boundaries inside documents."""

import asyncio
import heapq
from collections.abc import Callable, Collection
from datetime import datetime

from agent.clock import Clock
from agent.presence.records import Subscription
from agent.presence.subscription import end_of
from agent.server.clock_jumps import ClockJumps
from agent.server.notifier import Notifier
from agent.server.watch import Numbers
from agent.store.errors import StoreUnavailable
from agent.store.protocols import PresenceStore

LONGEST_WAIT = 20.0
"Seconds. The wall clock may be set; no wait trusts it for longer."
SHORTEST_WAIT = 0.02
"Expiries that come in a bunch are swept together."
STORE_PATIENCE = 5.0
"Seconds before a store that could not take a sweep is asked again."


class Sweeper:
    """Armed by itself; tell it with `wake` that something with an expiry was written."""

    def __init__(
        self, store: PresenceStore, notifier: Notifier, clock: Clock, jumps: ClockJumps, pending_for: int
    ) -> None:
        """``pending_for``: see `ServerConfig`."""
        self._jumps = jumps
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._pending_for = pending_for
        self._boundaries: list[tuple[float, str]] = []
        self._known_boundaries: set[tuple[float, str]] = set()
        self._rest_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")
        self._waking = False
        self._closed = False
        self.on_unregistered: Callable[[str], None] = lambda address: None
        "Told each address of which a binding has expired."

    def at_boundary(self, presentity: str, when: datetime) -> None:
        """The presentity's document changes at ``when`` by the clock alone."""
        boundary = (when.timestamp(), presentity)
        if boundary not in self._known_boundaries:
            self._known_boundaries.add(boundary)
            heapq.heappush(self._boundaries, boundary)
            self.wake()

    def wake_soon(self) -> None:
        """`wake` in the loop's next turn, once however often this is called until then."""
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_soon(self.wake)

    def wake(self) -> None:
        """Look again at what is due next."""
        self._waking = False
        if self._closed:
            return
        now = self._clock.wall()
        loop = asyncio.get_running_loop()
        # Asked for each group of writes, so what is due later than the timer that is set already is not looked for.
        nearest = self._store.next_expiry(now + self._due - loop.time())
        if self._boundaries and (nearest is None or self._boundaries[0][0] < nearest):
            nearest = self._boundaries[0][0]
        wait = LONGEST_WAIT if nearest is None else min(max(nearest - now, SHORTEST_WAIT), LONGEST_WAIT)
        wait = max(wait, self._rest_until - loop.time())
        due = loop.time() + wait
        if due >= self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = loop.call_later(wait, self._sweep)

    def _sweep(self) -> None:
        self._timer, self._due = None, float("inf")
        self._jumps.look()
        self._jumps.catch_up()
        now = self._clock.wall()
        store = self._store
        publications = store.expired_publications(now)
        for publication in publications:
            store.remove_publication(publication.id)
            store.note_change(publication.presentity, publication.package)
        ended = [(row, self._notifier.reserve_final(row)) for row in store.expired_subscriptions(now)]
        for row, _ in ended:
            store.remove_subscription(row.id)
        unregistered = store.expired_bindings(now)
        for binding in unregistered:
            store.remove_binding(binding.id)
        addresses = dict.fromkeys(binding.address for binding in unregistered)
        if publications or ended or unregistered:
            told = dict.fromkeys(publication.presentity for publication in publications)
            store.when_durable(lambda error: self._swept(error, told, ended, addresses))
        while self._boundaries and self._boundaries[0][0] <= now:
            boundary = heapq.heappop(self._boundaries)
            self._known_boundaries.discard(boundary)
            self._notifier.state_changed(boundary[1], now)
        self.wake()

    def _swept(
        self,
        error: StoreUnavailable | None,
        unpublished: Collection[str],
        ended: list[tuple[Subscription, Numbers]],
        unregistered: Collection[str],
    ) -> None:
        """Watchers are told of their end once it is durable; otherwise all of it is due again.

        That a publication has expired is true without the store, and not news that a restart could take back.
        """
        if error is not None:
            self._rest_until = asyncio.get_running_loop().time() + STORE_PATIENCE
            for presentity in unpublished:
                self._notifier.state_changed(presentity, self._clock.wall())
            for row, _ in ended:
                self._notifier.go_on(row)
            self.wake()
            return
        for row, numbers in ended:
            self._notifier.end(row, end_of(row, self._clock.wall(), self._pending_for), numbers)
        for address in unregistered:
            self.on_unregistered(address)

    def close(self) -> None:
        self._closed = True
        self._jumps.close()
        if self._timer is not None:
            self._timer.cancel()
