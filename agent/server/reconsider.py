"""What a new decision on who may watch whom does to the subscriptions that stand."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace

from agent.clock import Clock
from agent.presence.authorization import Step, state_of, step
from agent.presence.records import Subscription
from agent.presence.subscription import Reason
from agent.server.admission import Admission
from agent.server.notifier import Notifier
from agent.server.watch import Numbers
from agent.store.protocols import PresenceStore

log = logging.getLogger(__name__)


class Reconsider:
    """Call it when decisions may be others. Durable first, then told, as with everything else."""

    def __init__(self, store: PresenceStore, notifier: Notifier, clock: Clock, admission: Admission) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._admission = admission

    def all(self, *, at_start: bool = False) -> None:
        """``at_start``: everybody is looked at anyway."""
        self._reconsider(self._store.all_subscriptions(), at_start)

    def of(self, presentity: str, packages: Iterable[str]) -> None:
        """The subscriptions to one presentity."""
        self._reconsider(
            row for package in packages for row in self._store.subscriptions(presentity, package)
        )

    def withdraw(self, presentity: str, packages: Iterable[str]) -> None:
        """There is no such presentity any more: its subscriptions end, and not to be made again (`noresource`)."""
        rows = [row for package in packages for row in self._store.subscriptions(presentity, package)]
        self._admission.gone.add(presentity)
        self._apply([], rows, Reason.NORESOURCE)

    def _reconsider(self, rows: Iterable[Subscription], at_start: bool = False) -> None:
        now = self._clock.wall()
        moved: list[Subscription] = []
        ended: list[Subscription] = []
        for row in list(rows):
            handling = self._admission.decide(row.presentity, row.watcher)
            match step(row.state, handling):
                case Step.REJECT:
                    ended.append(row)
                case Step.APPROVE | Step.WITHDRAW:
                    moved.append(replace(row, state=state_of(handling)))
                case Step.NONE:
                    # Polite blocking may have begun or ended; the same document is not sent twice.
                    if not at_start:
                        self._notifier.look_again(row, now)
        self._apply(moved, ended, Reason.REJECTED)

    def _apply(self, moved: list[Subscription], ended: list[Subscription], reason: Reason) -> None:
        if not moved and not ended:
            return
        for row in moved:
            self._store.put_subscription(row)
        finals = [(row, self._notifier.reserve_final(row)) for row in ended]
        for row in ended:
            self._store.remove_subscription(row.id)
        self._store.commit().add_done_callback(lambda done: self._applied(done, moved, finals, reason))

    def _applied(
        self,
        done: asyncio.Future[None],
        moved: list[Subscription],
        finals: list[tuple[Subscription, Numbers]],
        reason: Reason,
    ) -> None:
        if done.cancelled() or done.exception() is not None:
            log.error("a change of who may watch could not be stored; it is applied at the next start")
            for row, _ in finals:
                self._notifier.go_on(row)
            return
        for row in moved:
            self._notifier.moved(row)
        for row, numbers in finals:
            self._notifier.end(replace(row, state="terminated"), reason, numbers)
