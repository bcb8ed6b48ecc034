"""What the store needs of a database, and the one that keeps nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from agent.store.errors import StoreUnavailable
from agent.store.group import Batch
from agent.store.rows import Kind, Row

Done = Callable[[StoreUnavailable | None], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The durable state at the start. Subscriptions carry numbers above every one ever given out."""

    rows: Iterable[tuple[Kind, str, Row]] = ()
    last_change: int = 0
    starts: int = 0
    "How often it was opened, this time included (`agent.store.numbering`)."
    trusted_until: float = 0.0
    "Until when (wall clock) nothing may be told that is not on record (`agent.store.heartbeat`)."


class Database(Protocol):
    async def open(self, now: float) -> Loaded:
        """``now``: wall clock. What watchers were told is believed if it was on record until now, and forgotten
        otherwise; the first heartbeat comes with it. Raises StoreUnavailable, StoreTooNew.
        """

    def write(self, batch: Batch, done: Done) -> None:
        """All of it or nothing; `done` is called on the event loop. Not called again before that."""

    async def close(self) -> None: ...


class NoDatabase:
    """For tests and short-lived tools: everything is as durable as it will ever be, at once."""

    async def open(self, now: float) -> Loaded:
        return Loaded()

    def write(self, batch: Batch, done: Done) -> None:
        done(None)

    async def close(self) -> None:
        pass
