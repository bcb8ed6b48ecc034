"""One iCalendar text and a window → the events that count. What a `Workshop` runs for each object."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from connectors.calendar_event import Reader
from connectors.errors import BadData, Misconfigured
from connectors.facts import CalendarEvent
from connectors.ical.availability import Availability, read_availability
from connectors.ical.busy import calendar_event, is_private
from connectors.ical.expand import expand
from connectors.ical.free_busy import busy_times
from connectors.ical.lines import Block, read_blocks, unescape
from connectors.ical.record import EventRecord, read_record
from connectors.ical.zones import Zones
from connectors.privacy import Privacy

OBJECT_LIMIT = 0.5
"Seconds of processor time for one object in a `Workshop`. Honest ones need about a millisecond."


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text says about the window."""

    events: tuple[CalendarEvent, ...]
    problems: tuple[str, ...]
    "Each names the event that could not be read and why."
    availability: tuple[Availability, ...] = ()
    "What is stated of the window (VAVAILABILITY)."


def read(text: str, window_start: datetime, window_end: datetime, zone: str, reader: Reader) -> Reading:
    """Events that overlap ``[window_start, window_end)`` (aware UTC), sorted by start.

    ``zone``: the person's IANA zone; floating times and whole days are meant in it. A broken event is named
    and the others count. Raises `BadData` when the text is no calendar, `Misconfigured` for the zone.
    """
    home = home_zone(zone)
    blocks = read_blocks(text)
    zones = Zones(text, blocks, home)
    events: list[CalendarEvent] = []
    problems: list[str] = []
    by_uid: dict[str, list[EventRecord]] = {}
    for number, block in enumerate(block for block in blocks if block.name == "VEVENT"):
        try:
            record = read_record(block, zones)
        except (BadData, OverflowError) as error:
            problems.append(_problem(block, reader, error))
            continue
        by_uid.setdefault(record.uid or f"\0{number}", []).append(record)
    for records in by_uid.values():
        for group in _series(records):
            try:
                occurrences = expand(group, zones, window_start, window_end)
                found = (calendar_event(occurrence, reader) for occurrence in occurrences)
                events.extend(event for event in found if event is not None)
            except (BadData, OverflowError) as error:
                problems.append(_problem(group[0].block, reader, error))
    availability: list[Availability] = []
    for block in blocks:
        try:
            if block.name == "VFREEBUSY":
                events.extend(busy_times(block, zones, window_start, window_end, reader))
            elif block.name == "VAVAILABILITY":
                stated = read_availability(block, zones, window_start, window_end)
                availability += [] if stated is None else [stated]
        except (BadData, OverflowError) as error:
            problems.append(_problem(block, reader, error))
    problems.extend(
        f"time zone “{name}” is not known; its times were read as {zone}" for name in sorted(zones.unknown)
    )
    return Reading(
        tuple(sorted(events, key=lambda event: (event.start, event.end, event.uid))),
        tuple(problems),
        tuple(availability),
    )


def home_zone(zone: str) -> tzinfo:
    try:
        return ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise Misconfigured(
            f"“{zone[:40]}” is not a time zone", advice="Use a name like Europe/Berlin."
        ) from None


def _series(records: list[EventRecord]) -> Iterator[list[EventRecord]]:
    """Records of one UID as groups to expand together: a series with its overrides.

    COMPAT(various exporters): one UID for several single events; each is an event of its own.
    """
    masters = [record for record in records if record.recurrence_id is None]
    if len(masters) < 2:
        yield records
        return
    overrides = [record for record in records if record.recurrence_id is not None]
    for master in masters:
        if master.repeats:
            yield [master, *overrides]
            overrides = []
        else:
            yield [master]
    if overrides:
        yield overrides


def _problem(block: Block, reader: Reader, error: Exception) -> str:
    """Names the event in words that its owner knows, if they may be known here, else by its date."""
    open_words = reader.privacy is Privacy.DETAILS and not is_private(block)
    title = unescape(block.text("SUMMARY"))[:60] if open_words else ""
    uid = block.text("UID")[:60]
    name = f"“{title}”" if title else f"with UID {uid}" if uid else "without UID"
    kind = {"VFREEBUSY": "free/busy", "VAVAILABILITY": "availability"}.get(block.name, "event")
    what = error.what if isinstance(error, BadData) else "its dates are outside the calendar"
    return f"{kind} {name}: {what}"
