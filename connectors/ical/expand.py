"""Event records of one UID → occurrences in a window, with exact UTC times.

`recurring-ical-events` expands; it is given plain local times only, because time zones are where libraries
and calendars disagree. Zones, exact durations over clock changes, and UNTIL are settled here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import recurring_ical_events
from icalendar import Calendar

from connectors.errors import BadData
from connectors.ical.lines import Line
from connectors.ical.record import EventRecord, When, read_duration, read_when
from connectors.ical.zones import Zones, to_local, to_utc

MAX_OCCURRENCES = 500
"Of one series in one window."
MAX_RULE_PRODUCT = 1000
"Combinations of a rule's BY… lists."
MAX_REPEATED = timedelta(days=60)
"Duration of something that repeats."
FREQUENCIES = frozenset({"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_UNTIL = re.compile(r"UNTIL=([^;]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One happening of an event. ``[start, end)``, aware UTC."""

    record: EventRecord
    start: datetime
    end: datetime


def expand(
    records: list[EventRecord], zones: Zones, window_start: datetime, window_end: datetime
) -> Iterator[Occurrence]:
    """Occurrences that overlap ``[window_start, window_end)``. ``records``: all that share one UID.

    Raises `BadData` for repetitions that are refused or cannot be understood.
    """
    if len(records) == 1 and not records[0].repeats:
        found = [_at(records[0], records[0].start, records[0].zone)]
    else:
        found = _expand_series(records, zones, window_start, window_end)
    return (
        occurrence for occurrence in found if occurrence.start < window_end and occurrence.end > window_start
    )


def _expand_series(
    records: list[EventRecord], zones: Zones, window_start: datetime, window_end: datetime
) -> list[Occurrence]:
    master = next((record for record in records if record.recurrence_id is None), records[0])
    zone = master.zone
    for record in records:
        _check(record)
    text = "\r\n".join(["BEGIN:VCALENDAR", *_plain(records, zone, zones), "END:VCALENDAR", ""])
    # A day more on each side: local times and exact ones differ by less.
    first = to_local(window_start, zone) - timedelta(days=1)
    last = to_local(window_end, zone) + timedelta(days=1)
    try:
        query = recurring_ical_events.of(Calendar.from_ical(text))
        components = query.between(first, last)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, ArithmeticError) as error:
        raise BadData(f"its repetition cannot be understood ({type(error).__name__})") from None
    if len(components) > MAX_OCCURRENCES:
        raise BadData(f"it happens more than {MAX_OCCURRENCES} times within the window")
    found = []
    for component in components:
        record = records[int(component["X-INDEX"])]
        start, end = component.decoded("DTSTART"), component.decoded("DTEND", None)
        if record.recurrence_id is not None and start == _local(record.start, zone):
            # An override means its own moment, in its own zone.
            found.append(_at(record, record.start, record.zone))
        elif end is not None and end - start != timedelta(days=record.days) + record.exact:
            # An RDATE that is a period has an end of its own.
            found.append(Occurrence(record, to_utc(start, zone), to_utc(end, zone)))
        else:
            found.append(_at(record, start, zone))
    return found


def _check(record: EventRecord) -> None:
    """Refuse what would cost without bound."""
    if not record.repeats:
        return
    if timedelta(days=record.days) + record.exact > MAX_REPEATED:
        raise BadData(f"it repeats and lasts longer than {MAX_REPEATED.days} days")
    if not record.rrule:
        return
    parts = dict(part.upper().partition("=")[::2] for part in record.rrule.split(";"))
    frequency = parts.get("FREQ", "").strip()
    if frequency not in FREQUENCIES:
        raise BadData(f"its repetition is not supported (FREQ={frequency[:20]})")
    if "RSCALE" in parts:
        raise BadData("it repeats by another calendar system (RSCALE)")
    product = 1
    for name, value in parts.items():
        if name.startswith("BY") and name != "BYSETPOS":
            product *= value.count(",") + 1
    if product > MAX_RULE_PRODUCT:
        raise BadData("its repetition has too many combinations")


def _plain(records: list[EventRecord], zone: tzinfo, zones: Zones) -> Iterator[str]:
    """The records as VEVENTs that know nothing but local times of one zone."""
    whole_days = next((record.all_day for record in records if record.recurrence_id is None), False)
    for index, record in enumerate(records):
        yield from ("BEGIN:VEVENT", "UID:x", f"X-INDEX:{index}")
        start = _local(record.start, zone)
        end = start + timedelta(days=record.days) + record.exact
        yield f"DTSTART{_value(start)}"
        if end > start:
            yield f"DTEND{_value(end)}"
        if record.rrule and record.recurrence_id is None:
            yield f"RRULE:{_local_until(record, zone)}"
        for line in record.rdates:
            for part in line.value.split(","):
                moment, slash, rest = part.partition("/")
                begin = _local(read_when(line, moment, zones), zone)
                if slash:
                    finish = _period_end(begin, rest, zone, zones, line.params)
                    yield f"RDATE;VALUE=PERIOD:{_stamp(begin)}/{_stamp(finish)}"
                else:
                    yield f"RDATE{_value(begin)}"
        for exdate in record.exdates:
            yield f"EXDATE{_value(_local(exdate, zone, whole_days))}"
        if record.recurrence_id is not None:
            ranged = ";RANGE=THISANDFUTURE" if record.this_and_future else ""
            yield f"RECURRENCE-ID{ranged}{_value(_local(record.recurrence_id, zone, whole_days))}"
        yield "END:VEVENT"


def _at(record: EventRecord, start: When, zone: tzinfo) -> Occurrence:
    """The occurrence that begins at ``start``. Days of a duration are nominal, its time is exact (§3.3.6),
    and a DTEND means the same exact duration for every occurrence (§3.8.5.3)."""
    begin = to_utc(start, zone)
    if not record.days:
        return Occurrence(record, begin, begin + record.exact)
    local = start if not isinstance(start, datetime) else to_local(begin, zone)
    return Occurrence(record, begin, to_utc(local + timedelta(days=record.days), zone) + record.exact)


def _local(when: When, zone: tzinfo, whole_days: bool = False) -> When:
    """As plain local time of the zone; whole days stay dates."""
    if not isinstance(when, datetime):
        return when
    local = to_local(when, zone)
    return local.date() if whole_days else local


def _local_until(record: EventRecord, zone: tzinfo) -> str:
    """The rule with UNTIL as local time.

    COMPAT(Outlook, older ical4j): UNTIL without Z beside a TZID is local time; libraries take it as UTC and
    lose the last occurrence.
    """

    def local(match: re.Match[str]) -> str:
        text = match[1].strip().upper()
        if "T" not in text:
            day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=zone)
            return f"UNTIL={_stamp(day.date())}" if record.all_day else f"UNTIL={_stamp(day.date())}T235959"
        until = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S").replace(
            tzinfo=UTC if text.endswith("Z") else zone
        )
        return f"UNTIL={_stamp(_local(until, zone, record.all_day))}"

    try:
        return _UNTIL.sub(local, record.rrule)
    except (ValueError, OverflowError):
        raise BadData("its repetition ends at something that is no date (UNTIL)") from None


def _period_end(begin: When, text: str, zone: tzinfo, zones: Zones, params: dict[str, str]) -> When:
    if text.strip().upper().startswith(("P", "+P")):
        days, exact = read_duration(text)
        return begin + timedelta(days=days) + exact
    return _local(read_when(Line("RDATE", params, text), text, zones), zone)


def _value(when: When) -> str:
    return f":{_stamp(when)}" if isinstance(when, datetime) else f";VALUE=DATE:{_stamp(when)}"


def _stamp(when: When) -> str:
    if isinstance(when, datetime):
        return f"{when.year:04}{when:%m%dT%H%M%S}"
    return f"{when.year:04}{when:%m%d}"
