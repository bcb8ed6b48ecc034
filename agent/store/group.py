"""One group: the writes that become durable, or are undone, together."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.presence.records import Change, Subscription
from agent.store.errors import StoreUnavailable
from agent.store.rows import Kind, Row

log = logging.getLogger(__name__)

LAST_CHANGE = "changes"
"Sequence number of the last change that was committed."
STARTS = "starts"
"How often the database was opened."
TRUSTED_UNTIL = "trusted_until"
"See `agent.store.heartbeat`; milliseconds since 1970."

Waiter = Callable[[StoreUnavailable | None], None]
"Told when a group is durable (None), or why it was undone."


@dataclass(frozen=True, slots=True)
class NumberedSubscription:
    """A subscription row, and what is stored in the place of its numbers (`Numbering.stored`)."""

    row: Subscription
    local_cseq: int
    version: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What the database has to do, in one transaction."""

    puts: dict[Kind, list[Row | NumberedSubscription]]
    removals: dict[Kind, list[str]]
    sequences: dict[str, int]
    "By name, the numbers to be stored."

    def __len__(self) -> int:
        return sum(map(len, self.puts.values())) + sum(map(len, self.removals.values()))


@dataclass(slots=True)
class Group:
    """Several writes of one row count as one: the last."""

    writes: dict[Kind, dict[str, Row | None]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    before: dict[Kind, dict[str, Row | None]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    "What each row was when this group first touched it."
    changes: dict[tuple[str, str], Change] = field(default_factory=dict)
    "By (presentity, package): the first, because lateness counts from there."
    waiters: list[Waiter] = field(default_factory=list)
    trusted_until: float | None = None
    "Seconds since 1970: a heartbeat goes along (`agent.store.heartbeat`)."

    def __bool__(self) -> bool:
        return bool(self.changes) or self.trusted_until is not None or any(self.writes.values())

    def record(self, kind: Kind, key: str, row: Row | None, before: Row | None) -> None:
        self.writes[kind][key] = row
        self.before[kind].setdefault(key, before)

    def ordered_changes(self) -> Sequence[Change]:
        return tuple(self.changes.values())

    def succeed(self) -> None:
        for waiter in self.waiters:
            _tell(waiter, None)

    def fail(self, error: StoreUnavailable) -> None:
        for waiter in self.waiters:
            # One exception each: a shared one would gather everybody's traceback.
            _tell(waiter, StoreUnavailable(*error.args))


def _tell(waiter: Waiter, error: StoreUnavailable | None) -> None:
    try:
        waiter(error)
    except Exception:
        # One waiter's fault must not keep the others from hearing.
        log.exception("a write was done, but who waited for it failed")
