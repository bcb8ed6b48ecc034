"""When to ask a server that talks by itself for a sign of life, when for everything, and when to give it up. Pure."""

from enum import Enum, auto

from connectors.errors import Unreachable


class Due(Enum):
    PING = auto()
    SNAPSHOT = auto()


class Liveness:
    """``now`` is monotonic seconds, ``who`` the server for people."""

    def __init__(self, who: str, ping_after: float, snapshot_every: float, now: float) -> None:
        self._who, self._ping_after, self._snapshot_every = who, ping_after, snapshot_every
        self._heard_at = now
        self._pinged_at: float | None = None
        self._snapshot_at: float | None = None
        self.asked_at = now
        "When the last snapshot was asked for."

    def heard(self, now: float) -> None:
        """Something has come: that it was what was asked for does not matter."""
        self._heard_at, self._pinged_at = now, None

    def deadline(self) -> float:
        """When to call `due`, if nothing comes before."""
        quiet_since = self._heard_at if self._pinged_at is None else self._pinged_at
        give_up = quiet_since + self._ping_after
        return give_up if self._snapshot_at is None else min(give_up, self._snapshot_at)

    def due(self, now: float) -> list[Due]:
        """What to ask for now. Raises `Unreachable` when a ping has not been answered in time."""
        if self._pinged_at is not None and now >= self._pinged_at + self._ping_after:
            raise Unreachable(f"{self._who} has stopped answering")
        due = []
        if self._snapshot_at is not None and now >= self._snapshot_at:
            self.asked(now)
            due.append(Due.SNAPSHOT)
        if self._pinged_at is None and now >= self._heard_at + self._ping_after:
            self._pinged_at = now
            due.append(Due.PING)
        return due

    def asked(self, now: float) -> None:
        """A snapshot is under way: no other is due before it is complete."""
        self._snapshot_at, self.asked_at = None, now

    def complete(self, now: float) -> None:
        """The snapshot has come; the next one in its time."""
        self._snapshot_at = now + self._snapshot_every

    def ask_within(self, seconds: float, now: float) -> None:
        """For the next snapshot sooner than it would be due."""
        if self._snapshot_at is not None:
            self._snapshot_at = min(self._snapshot_at, now + seconds)
