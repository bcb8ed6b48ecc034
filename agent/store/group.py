"""One group: the writes that become durable, or are undone, together."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.presence.records import Change, Subscription
from agent.store.errors import StoreUnavailable
from agent.store.rows import Kind, Row

log = logging.getLogger(__name__)

LAST_CHANGE: Final = "changes"
"Sequence number of the last change that was committed."
STARTS: Final = "starts"
"How often the database was opened."
TRUSTED_UNTIL: Final = "trusted_until"
"See `agent.store.heartbeat`; milliseconds since 1970."

Waiter = Callable[[StoreUnavailable | None], None]
"Told when a group is durable (None), or why it was undone."


class NumberedSubscription:
    """A subscription row, and what is stored in the place of its numbers (`Numbering.stored`)."""

    __slots__ = ("local_cseq", "row", "version")

    def __init__(self, row: Subscription, local_cseq: int, version: int) -> None:
        self.row: Final = row
        self.local_cseq: Final = local_cseq
        self.version: Final = version


@dataclass(frozen=True, slots=True)
class Batch:
    """What the database has to do, in one transaction."""

    puts: dict[Kind, list[Row | NumberedSubscription]]
    removals: dict[Kind, list[str]]
    sequences: dict[str, int]
    "By name, the numbers to be stored."

    def __len__(self) -> int:
        return sum(map(len, self.puts.values())) + sum(map(len, self.removals.values()))


Writes = dict[Kind, dict[str, Row | None]]
"Kind -> key -> row."


class Group:
    """Several writes of one row count as one: the last."""

    __slots__ = ("before", "changes", "trusted_until", "waiters", "writes")

    def __init__(self) -> None:
        self.writes: Writes = {}
        "Only kinds that were written: with few requests under way a group is small, and there are many of them."
        self.before: Writes = {}
        "What each row was when this group first touched it."
        self.changes: dict[tuple[str, str], Change] = {}
        "By (presentity, package): the first, because lateness counts from there."
        self.waiters: list[Waiter] = []
        self.trusted_until: float | None = None
        "Seconds since 1970: a heartbeat goes along (`agent.store.heartbeat`)."

    def __bool__(self) -> bool:
        return bool(self.writes) or bool(self.changes) or self.trusted_until is not None

    def record(self, kind: Kind, key: str, row: Row | None, before: Row | None) -> None:
        writes = self.writes.get(kind)
        if writes is None:
            self.writes[kind], self.before[kind] = {key: row}, {key: before}
            return
        if key not in writes:
            self.before[kind][key] = before
        writes[key] = row

    def touched(self, kind: Kind) -> Iterable[str]:
        """The keys of the rows of that kind that were written."""
        return self.writes.get(kind, ())

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
