"""Where somebody is, from what comes and goes there: their phone at an access point, their badge at a door. Pure.

Each session has a key of its own (a RADIUS session, or just the zone), so that the end of one tells nothing of the
others: a phone that has moved on to the next access point may be told to have left the first one a minute later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.facts import PlaceValue

REMEMBERED = 64
"Ended sessions, for news of them that comes late."


@dataclass(frozen=True, slots=True)
class Sighting:
    """One piece of news."""

    key: str
    zone: str | None
    "None: in none of the named zones."
    present: bool
    at: datetime
    "By the source's clock."
    group: str = ""
    "Whose restart ends it: an access point."
    arrives: bool = False
    "Each time it is told, they come there anew: through a door. False: they may have been there all the time."
    ttl: timedelta | None = None
    "Without news for this long the session is not known to go on. None: until it is ended."


@dataclass(frozen=True, slots=True)
class Place:
    """What is known now."""

    value: PlaceValue
    observed_at: datetime
    valid_until: datetime | None


@dataclass(slots=True)
class _Session:
    zone: str | None
    group: str
    since: datetime
    heard: datetime
    until: datetime | None


class Sessions:
    """Of one person. News of one session is ordered by its own time, never by its arrival."""

    def __init__(self) -> None:
        self._open: dict[str, _Session] = {}
        self._ended: dict[str, datetime] = {}
        self._newest: datetime | None = None

    def take(self, seen: Sighting) -> bool:
        """False: it is older than what is known of its session, or says nothing new."""
        known = self._open.get(seen.key)
        if known is not None and seen.at < known.heard:
            return False
        if seen.at < self._ended.get(seen.key, seen.at) or (
            known is None and self._ended.get(seen.key) == seen.at
        ):
            return False
        self._newest = max(seen.at, self._newest or seen.at)
        if not seen.present:
            self._end(seen.key, seen.at)
            return True
        until = None if seen.ttl is None else seen.at + seen.ttl
        moved = (
            known is None or known.zone != seen.zone or (seen.arrives and known is not self._newest_open())
        )
        since = seen.at if known is None or moved else known.since
        self._open[seen.key] = _Session(seen.zone, seen.group, since, seen.at, until)
        return True

    def clear(self, group: str, at: datetime) -> bool:
        """The access point was restarted: whatever it knew has ended. True: this concerns somebody."""
        concerned = [key for key, known in self._open.items() if known.group == group and known.heard <= at]
        for key in concerned:
            self._end(key, at)
        if concerned:
            self._newest = max(at, self._newest or at)
        return bool(concerned)

    def place(self, now: datetime) -> Place | None:
        """None: nothing is known; what was told last goes stale by itself."""
        for key in [
            key for key, known in self._open.items() if known.until is not None and known.until <= now
        ]:
            del self._open[key]  # lost, not ended: it may go on
        if self._newest is None:
            return None
        if self._open:
            newest = self._newest_open()
            heard = max(self._newest, newest.heard)
            return Place(PlaceValue(newest.zone, newest.since), heard, newest.until)
        if max(self._ended.values(), default=None) == self._newest:
            return Place(PlaceValue(None, self._newest), self._newest, None)
        return None

    def _newest_open(self) -> _Session:
        return max(self._open.values(), key=lambda known: (known.since, known.heard))

    def _end(self, key: str, at: datetime) -> None:
        if key:
            self._open.pop(key, None)
        else:
            self._open.clear()
        self._ended.pop(key, None)
        self._ended[key] = at
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]
