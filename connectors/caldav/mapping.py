"""CalDAV answers → which calendars count, and under which source. Pure.

What the events mean is the same for every source of iCalendar: `connectors.ical`.
"""

from collections.abc import Iterable, Mapping

from connectors.base import Link, Surveyed
from connectors.caldav.dav import Listed

OTHERS = "*"
"In `calendars`: every calendar that is not named."


def chosen(
    listed: Iterable[Listed], wanted: Mapping[str, str | bool]
) -> tuple[list[tuple[Listed, str]], list[str]]:
    """The calendars that count, each with its meaning; and the wanted names that no calendar has."""
    verdicts = [(calendar, *_verdict(calendar, wanted)) for calendar in listed]
    found = [
        (calendar, calendar.name if meaning is True else meaning)
        for calendar, meaning, _ in verdicts
        if meaning is not False
    ]
    met = {key for _, _, key in verdicts}
    return found, [
        name for name, meaning in wanted.items() if name not in met | {OTHERS} and meaning is not False
    ]


def surveyed(listed: Iterable[Listed], wanted: Mapping[str, str | bool]) -> tuple[Surveyed, ...]:
    """Every calendar that there is, and why those that do not count do not."""
    everything = list(listed)
    counting = {calendar.path: meaning for calendar, meaning in chosen(everything, wanted)[0]}
    return tuple(
        Surveyed(
            calendar.name,
            counting.get(calendar.path, ""),
            calendar.path in counting,
            "" if calendar.path in counting else _why_not(calendar, wanted),
        )
        for calendar in everything
    )


def _verdict(calendar: Listed, wanted: Mapping[str, str | bool]) -> tuple[str | bool, str]:
    """(its meaning, or True for its own name, or False when it does not count; the key that says so)"""
    for key in (calendar.name, calendar.slug):
        if key in wanted:
            return wanted[key], key
    if calendar.transparent:
        return False, ""
    if OTHERS in wanted:
        return wanted[OTHERS], OTHERS
    return not any(meaning is not False for meaning in wanted.values()), ""


def _why_not(calendar: Listed, wanted: Mapping[str, str | bool]) -> str:
    if any(wanted.get(key) is False for key in (calendar.name, calendar.slug)):
        return "`calendars` says so"
    if calendar.transparent:
        return "its owner marked it as not affecting availability"
    return "`calendars` does not name it"


def source_of(link: Link, calendar: Listed) -> str:
    return f"{link.connector}:{link.id}/{calendar.slug}"
