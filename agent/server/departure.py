"""The graceful end: what is under way is finished, and watchers are told to come back, or are left to the successor."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from agent.clock import Clock
from agent.presence.subscription import Reason
from agent.server.gatekeeper import Gatekeeper
from agent.server.notifier import Notifier
from agent.sip.endpoint import Endpoint
from agent.store.errors import StoreUnavailable
from agent.store.protocols import PresenceStore

LOOK_EVERY = 0.02
"Seconds between two looks whether all is done."


class Departure:
    def __init__(
        self,
        store: PresenceStore,
        notifier: Notifier,
        gatekeeper: Gatekeeper,
        endpoint: Endpoint,
        clock: Clock,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._gatekeeper = gatekeeper
        self._endpoint = endpoint
        self._clock = clock

    async def leave(
        self, *, deactivate: bool, within: float, sleep: Callable[[float], Awaitable[object]]
    ) -> bool:
        """Take nothing new on and finish what is under way, for at most ``within`` seconds; whether all was finished.

        ``deactivate``: every subscription ends with the reason that has watchers subscribe again at once (RFC 6665
        §4.1.3). Otherwise their dialogs stay on record, and whoever starts next goes on with them.
        """
        end = self._clock.monotonic() + within
        self._gatekeeper.leaving = True
        # Whoever waits for a group of writes is answered when it is done.
        with suppress(StoreUnavailable):
            await self._store.commit()
        if deactivate:
            await self._deactivate()
        while self._notifier.owed or self._endpoint.open_transactions[0]:
            if self._clock.monotonic() >= end:
                return False
            await sleep(LOOK_EVERY)
        return True

    async def _deactivate(self) -> None:
        ended = [(row, self._notifier.reserve_final(row)) for row in self._store.all_subscriptions()]
        for row, _ in ended:
            self._store.remove_subscription(row.id)
        try:
            await self._store.commit()
        except StoreUnavailable:
            return  # their rows are back: the successor goes on with them
        for row, numbers in ended:
            self._notifier.end(row, Reason.DEACTIVATED, numbers)
