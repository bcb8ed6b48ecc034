"""Who is due when, and how long to wait after failures. Pure: ``now`` and randomness are parameters.

One heap for all links of a connector costs a fraction of one timer or scheduler job per link.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from connectors.errors import AuthFailed, ConnectorError, Refused, Unreachable
from connectors.health import HealthState

BEFORE_EDGE, AFTER_EDGE = 600.0, 300.0
"Seconds around the beginning or end of an event in which it is likeliest to be changed."
NIGHT_BEGINS, NIGHT_ENDS = 22, 6
WORK_BEGINS, WORK_ENDS = 7, 19
"Local hours."
JITTER = 0.1
"Each wait is longer or shorter by up to this part of itself."
CONFIRM_AFTER = 5.0
"Seconds until a suspicious answer is asked for again."
MAX_BACKOFF = 900.0
"Seconds. A source that is back should be noticed within a quarter of an hour."
MAX_LISTENING_BACKOFF = 60.0
"Seconds, for sources that tell by themselves: a lamp must not lag so long behind a PBX that is back."
AUTH_BACKOFF = 300.0
"Seconds after the first refused sign-in; doubling, since every further try may lock the account."
MAX_AUTH_BACKOFF = 6 * 3600.0


@dataclass(slots=True)
class DueQueue:
    """Links ordered by the monotonic second at which they are due. Each link has at most one due time."""

    _heap: list[tuple[float, str]] = field(default_factory=list)
    _due: dict[str, float] = field(default_factory=dict)

    def put(self, link: str, due: float) -> None:
        """Set or move a link's due time."""
        self._due[link] = due
        heapq.heappush(self._heap, (due, link))

    def discard(self, link: str) -> None:
        self._due.pop(link, None)

    def pop_due(self, now: float, most: int) -> list[tuple[str, float]]:
        """Take out up to ``most`` links that are due, the longest overdue first, each with its due time."""
        taken: list[tuple[str, float]] = []
        while self._heap and self._heap[0][0] <= now and len(taken) < most:
            due, link = heapq.heappop(self._heap)
            if self._due.get(link) == due:
                del self._due[link]
                taken.append((link, due))
        return taken

    def due(self, link: str) -> float | None:
        return self._due.get(link)

    def __len__(self) -> int:
        return len(self._due)


def jittered(seconds: float, chance: float) -> float:
    """``seconds`` ± `JITTER`. ``chance``: 0 … 1."""
    return seconds * (1 + JITTER * (2 * chance - 1))


def paced(interval: float, now: datetime, edges: Iterable[datetime]) -> float:
    """The wait that suits the hour. ``now``: where the person is; ``edges``: when events begin and end (aware).

    People change what is about to happen or going on; at night they sleep.
    """
    if any(-AFTER_EDGE <= (edge - now).total_seconds() <= BEFORE_EDGE for edge in edges):
        return interval / 2
    if not NIGHT_ENDS <= now.hour < NIGHT_BEGINS:
        return max(interval, min(5 * interval, MAX_BACKOFF))
    if now.weekday() >= 5 or not WORK_BEGINS <= now.hour < WORK_ENDS:
        return max(interval, min(2 * interval, MAX_BACKOFF))
    return interval


def first_delay(interval: float, links: int, chance: float) -> float:
    """Spread the first polls: a few links at once, thousands over up to an interval."""
    return chance * min(interval, links * 0.01)


def backoff(error: ConnectorError, failures: int, interval: float, longest: float = MAX_BACKOFF) -> float:
    """Seconds until the next try after ``failures`` (≥ 1) failed polls in a row; ``longest``: but for what a person has
    to mend, and for what the source itself asks."""
    doubling = 2.0 ** min(failures - 1, 20)
    if isinstance(error, AuthFailed | Refused) or error.state is HealthState.MISCONFIGURED:
        return min(max(AUTH_BACKOFF, interval) * doubling, max(MAX_AUTH_BACKOFF, interval))
    wait = min(interval * doubling, max(longest, interval))
    if isinstance(error, Unreachable) and error.retry_after is not None:
        # A day at most: some servers answer with a date in the wrong year.
        wait = max(wait, min(error.retry_after, 86400.0))
    return wait
