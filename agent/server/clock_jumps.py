"""The machine's clock may be set while we run. What was granted for an hour lasts an hour all the same.

Rows hold moments of the wall clock, because they outlive the process. When that clock is set, their moments are set
with it: otherwise every subscription would end at once when a clock that was two hours slow is put right.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from agent.clock import Clock
from agent.store.errors import StoreUnavailable
from agent.store.protocols import PresenceStore

JUMP: Final = 2.0
"Seconds that the two clocks may drift apart between two looks; more is a clock that was set, or a machine that slept."
AGAIN: Final = 1.0
"Seconds until rows that could not be written are set once more."

log = logging.getLogger(__name__)


class ClockJumps:
    """``look`` before anything is decided by the wall clock; it costs one reading, or two."""

    def __init__(self, store: PresenceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._apart = clock.wall() - clock.monotonic()

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

    def _shift(self, seconds: float, again: bool = False) -> None:
        """``again``: they went back to their old moments meanwhile, and watchers may have been told what follows."""
        store = self._store
        for publication in store.all_publications():
            store.put_publication(
                replace(
                    publication,
                    published_at=publication.published_at + seconds,
                    expires_at=publication.expires_at + seconds,
                )
            )
            if again:
                store.note_change(publication.presentity, publication.package)
        for subscription in store.all_subscriptions():
            store.put_subscription(
                replace(
                    subscription,
                    created_at=subscription.created_at + seconds,
                    expires_at=subscription.expires_at + seconds,
                )
            )
        for binding in store.all_bindings():
            store.put_binding(
                replace(
                    binding,
                    registered_at=binding.registered_at + seconds,
                    expires_at=binding.expires_at + seconds,
                )
            )

        def written(error: StoreUnavailable | None) -> None:
            if error is not None:
                asyncio.get_running_loop().call_later(AGAIN, self._shift, seconds, True)

        store.when_durable(written)
