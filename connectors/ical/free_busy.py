"""VFREEBUSY → events that are times alone (RFC 5545 §3.6.4)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from connectors.calendar_event import Reader, event_told
from connectors.errors import BadData
from connectors.facts import CalendarEvent, Shows
from connectors.ical.lines import Block, Line
from connectors.ical.record import read_duration, read_when
from connectors.ical.zones import Zones, to_utc

MAX_PERIODS = 5000
SHOWN = {
    "BUSY": Shows.BUSY,
    "BUSY-TENTATIVE": Shows.TENTATIVE,
    # What Exchange writes for out of office (MS-OXCICAL §2.1.3.1.1.20.31).
    "BUSY-UNAVAILABLE": Shows.OUT_OF_OFFICE,
}
"FBTYPE and BUSYTYPE. What is not known is busy (RFC 5545 §3.2.9)."


def busy_times(
    block: Block, zones: Zones, window_start: datetime, window_end: datetime, reader: Reader
) -> Iterator[CalendarEvent]:
    """The periods that overlap the window. Raises `BadData`."""
    count = 0
    for line in block.each("FREEBUSY"):
        kind = line.params.get("FBTYPE", "BUSY").upper()
        for part in line.value.split(","):
            count += 1
            if count > MAX_PERIODS:
                raise BadData(f"it lists more than {MAX_PERIODS} periods")
            if kind == "FREE" or not part.strip():
                continue
            start, end = read_period(line, part, zones)
            if start < window_end and end > window_start:
                told = event_told(reader, start=start, end=end, shows=SHOWN.get(kind, Shows.BUSY))
                if told is not None:
                    yield told


def read_period(line: Line, text: str, zones: Zones) -> tuple[datetime, datetime]:
    """``start/end`` or ``start/duration``, in UTC (RFC 5545 §3.3.9)."""
    first, slash, last = text.partition("/")
    if not slash:
        raise BadData(f"{line.name} is not a period: “{text.strip()[:40]}”")
    start = to_utc(read_when(line, first, zones), zones.home)
    if last.strip().upper().startswith(("P", "+P")):
        days, exact = read_duration(last)
        return start, start + timedelta(days=days) + exact
    return start, to_utc(read_when(line, last, zones), zones.home)
