"""CalDAV answers → facts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base import Failed, Link
from connectors.caldav.dav import Listed, StoredObject
from connectors.caldav.settings import CalDavSettings
from connectors.facts import CalendarValue, Fact
from connectors.ical.busy import Reader
from connectors.ical.read import Reading

MARGIN = timedelta(days=1)
"Servers take floating times and whole days as UTC; asking for a day more on each side loses none."


@dataclass(frozen=True, slots=True)
class Window:
    """``[start, end)``, aware UTC."""

    start: datetime
    end: datetime


def window_at(now: datetime, settings: CalDavSettings) -> Window:
    return Window(now - settings.past, now + settings.ahead)


def wears_out(window: Window, settings: CalDavSettings) -> datetime:
    """When a window has to be read anew, though nothing changed: while what is left still covers the
    staleness, so that a server that dies afterwards leaves a known future."""
    spare = settings.ahead - settings.stale_after
    return window.start + settings.past + max(spare / 4, timedelta(minutes=1))


def reader_of(link: Link, settings: CalDavSettings) -> Reader:
    """For whom this link's calendars are read."""
    addresses = frozenset(address.strip().lower().removeprefix("mailto:") for address in link.addresses)
    return Reader(addresses, link.privacy, settings.whole_days_count)


def chosen(listed: Iterable[Listed], wanted: Mapping[str, str]) -> tuple[list[tuple[Listed, str]], list[str]]:
    """The calendars that count, each with its meaning; and the wanted names that no calendar has."""
    everything = list(listed)
    if not wanted:
        return [(calendar, calendar.name) for calendar in everything if not calendar.transparent], []
    found = []
    met: set[str] = set()
    for calendar in everything:
        for key in (calendar.name, calendar.slug):
            if key in wanted:
                found.append((calendar, wanted[key]))
                met.add(key)
                break
    return found, [name for name in wanted if name not in met]


def source_of(link: Link, calendar: Listed) -> str:
    return f"{link.connector}:{link.id}/{calendar.slug}"


def calendar_fact(
    readings: Sequence[Reading | Failed],
    *,
    link: Link,
    source: str,
    meaning: str,
    window: Window,
    now: datetime,
) -> Fact:
    """One calendar's fact from the readings of its objects."""
    events = [event for reading in readings if isinstance(reading, Reading) for event in reading.events]
    value = CalendarValue(
        events=tuple(sorted(events, key=lambda event: (event.start, event.end, event.uid))),
        window_start=window.start,
        window_end=window.end,
        calendar=meaning,
    )
    return Fact(person=link.person, source=source, value=value, observed_at=now)


def problems_of(
    objects: Sequence[StoredObject], readings: Sequence[Reading | Failed], calendar: Listed
) -> tuple[str, ...]:
    """What could not be read, each with its calendar and object."""
    found: list[str] = []
    for stored, reading in zip(objects, readings, strict=True):
        where = f"{calendar.name}/{stored.slug}"
        if isinstance(reading, Failed):
            found.append(f"{where}: {reading.reason}")
        else:
            found.extend(f"{where}: {problem}" for problem in reading.problems)
    return tuple(found)
