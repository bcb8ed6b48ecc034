"""Readings of a calendar's objects → one fact. Pure; the same for every source of iCalendar."""

from collections.abc import Iterable
from datetime import datetime

from connectors.base import Failed, Link
from connectors.calendar_event import Reader
from connectors.facts import CalendarEvent, CalendarValue, Fact
from connectors.ical.availability import unavailable
from connectors.ical.read import Reading
from connectors.ical.window import CalendarSettings, Window


def reader_of(link: Link, settings: CalendarSettings) -> Reader:
    """For whom this link's calendars are read."""
    addresses = frozenset(address.strip().lower().removeprefix("mailto:") for address in link.addresses)
    return Reader(addresses, link.privacy, settings.whole_days_count)


def calendar_fact(
    readings: Iterable[Reading | Failed],
    *,
    link: Link,
    source: str,
    meaning: str,
    window: Window,
    now: datetime,
) -> Fact:
    """What a calendar holds in the window: the events of all objects that could be read, and what is stated beside."""
    understood = [reading for reading in readings if isinstance(reading, Reading)]
    events = [event for reading in understood for event in reading.events]
    stated = [each for reading in understood for each in reading.availability]
    if stated:
        events += unavailable(stated, events)
    value = value_of(sorted(events, key=lambda event: (event.start, event.end, event.uid)), window, meaning)
    return Fact(person=link.person, source=source, value=value, observed_at=now)


def value_of(events: Iterable[CalendarEvent], window: Window, meaning: str) -> CalendarValue:
    """``events``: by their start."""
    return CalendarValue(
        events=tuple(events), window_start=window.start, window_end=window.end, calendar=meaning
    )
