"""CalDAV answers → which calendars count, under which source, with which problems. Pure.

What the events mean is the same for every source of iCalendar: `connectors.ical`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from connectors.base import Failed, Link, Surveyed
from connectors.caldav.dav import Listed, StoredObject
from connectors.ical.read import Reading

MARGIN = timedelta(days=1)
"Servers take floating times and whole days as UTC; asking for a day more on each side loses none."


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


def surveyed(listed: Iterable[Listed], wanted: Mapping[str, str]) -> tuple[Surveyed, ...]:
    """Every calendar that there is, and why those that do not count do not."""
    everything = list(listed)
    counting = {calendar.path: meaning for calendar, meaning in chosen(everything, wanted)[0]}
    why = "`calendars` does not name it" if wanted else "its owner marked it as not affecting availability"
    return tuple(
        Surveyed(
            calendar.name,
            counting.get(calendar.path, ""),
            calendar.path in counting,
            "" if calendar.path in counting else why,
        )
        for calendar in everything
    )


def source_of(link: Link, calendar: Listed) -> str:
    return f"{link.connector}:{link.id}/{calendar.slug}"


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
