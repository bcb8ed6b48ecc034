"""VEVENT lines → EventRecord: everything about times made plain, everything else as written."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from connectors.errors import BadData
from connectors.ical.lines import Block, Line
from connectors.ical.zones import Zones, to_utc

MAX_DATES = 2000
"EXDATEs or RDATEs of one series."
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.IGNORECASE)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
_LONGEST = timedelta(days=36500)

When = datetime | date
"A date (whole day), or an aware datetime in the zone it was written in."


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One VEVENT: a single event, a series' master, or an override of one occurrence."""

    block: Block
    uid: str
    start: When
    zone: tzinfo
    "The zone whose wall clock repetitions follow."
    days: int
    "Nominal part of the duration."
    exact: timedelta
    "Exact part of the duration."
    rrule: str
    rdates: tuple[Line, ...]
    exdates: tuple[When, ...]
    recurrence_id: When | None
    this_and_future: bool

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def repeats(self) -> bool:
        return bool(self.rrule or self.rdates)


def read_record(block: Block, zones: Zones) -> EventRecord:
    """Raises `BadData` in words when the event has no usable start, end or repetition dates."""
    line = block.first("DTSTART")
    if line is None:
        raise BadData("it has no start (DTSTART)")
    start = read_when(line, line.value, zones)
    if isinstance(start, datetime) and start.tzinfo is not None:
        zone = start.tzinfo
    else:
        zone = zones.home
    days, exact = _duration(block, start, zones)
    if days < 0 or exact < timedelta(0):
        # COMPAT(various exporters): an end before the start; the two were swapped.
        start = to_utc(start, zone) + timedelta(days=days) + exact
        days, exact = 0, timedelta(days=-days) - exact
    rdates = tuple(block.each("RDATE"))
    exdates = [
        read_when(line, part, zones)
        for line in block.each("EXDATE")
        for part in line.value.split(",")
        if part.strip()
    ]
    if len(exdates) > MAX_DATES or sum(line.value.count(",") + 1 for line in rdates) > MAX_DATES:
        raise BadData(f"it lists more than {MAX_DATES} dates")
    overridden = block.first("RECURRENCE-ID")
    return EventRecord(
        block=block,
        uid=block.text("UID"),
        start=start,
        zone=zone,
        days=days,
        exact=exact,
        rrule=block.text("RRULE").rstrip(";"),
        rdates=rdates,
        exdates=tuple(exdates),
        recurrence_id=None if overridden is None else read_when(overridden, overridden.value, zones),
        this_and_future=overridden is not None
        and overridden.params.get("RANGE", "").upper() == "THISANDFUTURE",
    )


def read_when(line: Line, text: str, zones: Zones) -> When:
    """A DATE or DATE-TIME in the zone that the line names; floating times are in the home zone."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise BadData(f"{line.name} is not a date: “{text.strip()[:30]}”")
    year, month, day, hour, minute, second, zulu = match.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        # Second 60 is a leap second (RFC 5545 §3.3.12): no clock here has it.
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59))  # noqa: DTZ001 - the zone follows
    except ValueError:
        raise BadData(f"{line.name} is not a date: “{text.strip()[:30]}”") from None
    tzid = line.params.get("TZID", "").strip()
    if zulu:
        return moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=zones.find(tzid) if tzid else zones.home)


def read_duration(text: str) -> tuple[int, timedelta]:
    """DURATION (RFC 5545 §3.3.6): days (nominal) and the time part (exact)."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()[1:]):
        raise BadData(f"DURATION is not a duration: “{text.strip()[:30]}”")
    sign = -1 if match[1] == "-" else 1
    weeks, days, hours, minutes, seconds = (int((part or "0")[:9]) for part in match.groups()[1:])
    exact = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    days += 7 * weeks
    if days > _LONGEST.days or exact > _LONGEST:
        raise BadData("it lasts longer than a century")
    return sign * days, sign * exact


def _duration(block: Block, start: When, zones: Zones) -> tuple[int, timedelta]:
    end_line = block.first("DTEND")
    if end_line is not None and end_line.value.strip():
        end = read_when(end_line, end_line.value, zones)
        if not isinstance(start, datetime) and not isinstance(end, datetime):
            # COMPAT(various exporters): a one-day event whose end is its own day.
            return (end - start).days or 1, timedelta(0)
        return 0, to_utc(end, zones.home) - to_utc(start, zones.home)
    text = block.text("DURATION")
    if text:
        return read_duration(text)
    return (0, timedelta(0)) if isinstance(start, datetime) else (1, timedelta(0))
