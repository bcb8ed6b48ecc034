"""Whom the rules decide about, and that person's wall clock."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the rules decide about."""

    key: str
    name: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    timezone: str = "UTC"
    "IANA name; times of day and dates are meant in it."
    privacy: str = "busy"
    "What may be said of a meeting: `busy` (nothing more), `category`, or `details` (title and place)."
    shows_time_zone: bool = False
    "Whether watchers are told what time it is where the person is."


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=512)
def local(now: datetime, timezone: str) -> datetime:
    """Wall-clock time. Cached: thousands of people are evaluated at the same moment."""
    return now.astimezone(zone(timezone))
