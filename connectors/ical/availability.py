"""VAVAILABILITY → the times at which somebody says to be unavailable (RFC 7953). Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from connectors.errors import BadData
from connectors.facts import CalendarEvent, Shows
from connectors.ical.expand import expand
from connectors.ical.free_busy import SHOWN
from connectors.ical.lines import Block
from connectors.ical.record import EventRecord, read_duration, read_record, read_when
from connectors.ical.zones import Zones, to_utc

LOWEST = 10
"PRIORITY 0 is undefined, which is below 9 (RFC 7953 §3.1, RFC 5545 §3.8.1.9)."
MAX_SPANS = 2000
"Available times of one statement in one window."
MAX_STATEMENTS = 20
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Availability:
    """One VAVAILABILITY as far as it concerns the window."""

    priority: int
    "1 is the highest, `LOWEST` the lowest."
    start: datetime
    end: datetime
    shows: Shows
    "Outside ``free``."
    free: tuple[Span, ...]


def read_availability(
    block: Block, zones: Zones, window_start: datetime, window_end: datetime
) -> Availability | None:
    """None: it does not concern the window. Raises `BadData`."""
    start, end = window_start, window_end
    if (line := block.first("DTSTART")) is not None:
        start = max(start, to_utc(read_when(line, line.value, zones), zones.home))
    if (stop := _end(block, zones)) is not None:
        end = min(end, stop)
    if start >= end:
        return None
    by_uid: dict[str, list[EventRecord]] = {}
    for number, inner in enumerate(each for each in block.blocks if each.name == "AVAILABLE"):
        record = read_record(inner, zones)
        by_uid.setdefault(record.uid or f"\0{number}", []).append(record)
    free = [
        (occurrence.start, occurrence.end)
        for records in by_uid.values()
        for occurrence in expand(records, zones, start, end)
    ]
    if len(free) > MAX_SPANS:
        raise BadData(f"it lists more than {MAX_SPANS} available times within the window")
    kind = block.text("BUSYTYPE").upper() or "BUSY-UNAVAILABLE"
    priority = block.text("PRIORITY")
    rank = int(priority) if priority.isdecimal() and 1 <= int(priority) <= 9 else LOWEST
    return Availability(rank, start, end, SHOWN.get(kind, Shows.OUT_OF_OFFICE), tuple(sorted(free)))


def _end(block: Block, zones: Zones) -> datetime | None:
    if (line := block.first("DTEND")) is not None:
        return to_utc(read_when(line, line.value, zones), zones.home)
    if (begin := block.first("DTSTART")) is not None and block.text("DURATION"):
        days, exact = read_duration(block.text("DURATION"))
        return to_utc(read_when(begin, begin.value, zones), zones.home) + timedelta(days=days) + exact
    return None


def unavailable(stated: Iterable[Availability], events: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """The unavailable times, where no event says anything stronger than free. Of several statements about one moment
    that of the highest priority counts; among equals availability goes before."""
    statements = [(each, _Spans(each.free)) for each in islice(stated, MAX_STATEMENTS)]
    taken = _Spans((event.start, event.end) for event in events if event.shows is not Shows.FREE)
    edges = {edge for each, free in statements for edge in (each.start, each.end, *free.edges)}
    found: list[CalendarEvent] = []
    for start, end in pairwise(sorted(edges | set(taken.edges))):
        shows = None if taken.covers(start) else _stated(statements, start)
        if shows is None:
            continue
        if found and found[-1].end == start and found[-1].shows is shows:
            start = found.pop().start
        found.append(CalendarEvent(start, end, shows, uid="availability"))
    return found


def _stated(statements: "list[tuple[Availability, _Spans]]", at: datetime) -> Shows | None:
    """What counts at a moment; None: available, or nothing is stated."""
    here = [(each, free) for each, free in statements if each.start <= at < each.end]
    if not here:
        return None
    highest = min(each.priority for each, _ in here)
    ours = [(each, free) for each, free in here if each.priority == highest]
    if any(free.covers(at) for _, free in ours):
        return None
    return max((each.shows for each, _ in ours), key=list(Shows).index)


class _Spans:
    """Spans, joined where they overlap."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.edges: list[datetime] = []
        "Start, end, start, end …"
        for start, end in sorted(spans):
            if self.edges and start <= self.edges[-1]:
                self.edges[-1] = max(self.edges[-1], end)
            else:
                self.edges += [start, end]

    def covers(self, at: datetime) -> bool:
        return bisect_right(self.edges, at) % 2 == 1
