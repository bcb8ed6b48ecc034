"""The machine's clock may be set while we run. What was granted for an hour lasts an hour all the same.

Rows hold moments of the wall clock, because they outlive the process. When that clock is set, their moments are set
with it: otherwise every subscription would end at once when a clock that was two hours slow is put right.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from agent.clock import Clock
from agent.presence.records import Binding, Publication, Subscription
from agent.store.errors import StoreUnavailable
from agent.store.protocols import PresenceStore

JUMP: Final = 2.0
"Seconds that the two clocks may drift apart between two looks; more is a clock that was set, or a machine that slept."
AGAIN: Final = 1.0
"Seconds until rows that could not be written are set once more."

Key = tuple[str, str]
"(kind, id) of a row"

log = logging.getLogger(__name__)


class ClockJumps:
    """``look`` before anything is decided by the wall clock; it costs one reading, or two."""

    def __init__(self, store: PresenceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._apart = clock.wall() - clock.monotonic()
        self._owed: dict[Key, tuple[float, float]] = {}
        "Row -> the moment of its end that it went back to, and by how many seconds that is to be moved."
        self._timer: asyncio.TimerHandle | None = None

    def look(self, now: float | None = None) -> None:
        """``now``: monotonic, where the caller has read it a moment ago."""
        apart = self._clock.wall() - (self._clock.monotonic() if now is None else now)
        jumped = apart - self._apart
        if abs(jumped) > JUMP:
            log.warning(
                "the clock was set by %+.0f seconds; what was granted lasts as long as it would have", jumped
            )
            self._shift(jumped)
        self._apart = apart

    def catch_up(self) -> None:
        """Move what could not be moved when the clock was set. Before anything is ended by its moment."""
        if self._owed:
            self._shift(0.0)

    def _shift(self, seconds: float) -> None:
        """Every row's moments move by so much, and by what it is owed because an earlier move could not be written."""
        store = self._store
        wanted: dict[Key, float] = {}
        for row in self._rows():
            moment, owed = self._owed.get(_key(row), (0.0, 0.0))
            if moment != row.expires_at:
                owed = 0.0  # granted anew meanwhile, by the clock as it is
            by = seconds + owed
            if not by:
                continue
            ends = wanted[_key(row)] = row.expires_at + by
            if isinstance(row, Publication):
                store.put_publication(replace(row, published_at=row.published_at + by, expires_at=ends))
                if owed:
                    # It went back to its old moments meanwhile, and watchers may have been told what follows.
                    store.note_change(row.presentity, row.package)
            elif isinstance(row, Subscription):
                store.put_subscription(replace(row, created_at=row.created_at + by, expires_at=ends))
            else:
                store.put_binding(replace(row, registered_at=row.registered_at + by, expires_at=ends))
        if store.available:
            # The others are gone, or were granted anew.
            self._owed = {key: owed for key, owed in self._owed.items() if key in wanted}
        if wanted:
            store.when_durable(partial(self._written, wanted))
        elif self._owed:
            self._arm()

    def _written(self, wanted: dict[Key, float], error: StoreUnavailable | None) -> None:
        """The rows have the moments that they should have, or went back to what they were; then once more, later.

        Of our own publications the store keeps in memory what it could not write (`agent.store.undo`): they are where
        they should be, and moved again they would end at once.
        """
        if error is None:
            for key in wanted:
                self._owed.pop(key, None)
            return
        for row in self._rows():
            ends = wanted.get(_key(row))
            if ends is not None and ends != row.expires_at:
                self._owed[_key(row)] = (row.expires_at, ends - row.expires_at)
        self._arm()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(AGAIN, self._again)

    def _again(self) -> None:
        self._timer = None
        self.catch_up()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _rows(self) -> Iterator[Publication | Subscription | Binding]:
        """All that have a moment at which they end."""
        yield from self._store.all_publications()
        yield from self._store.all_subscriptions()
        yield from self._store.all_bindings()


def _key(row: Publication | Subscription | Binding) -> Key:
    return type(row).__name__, row.id
