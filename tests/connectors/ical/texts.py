"""iCalendar texts for tests."""

from datetime import UTC, datetime, timedelta

from connectors.calendar_event import Reader
from connectors.ical.read import Reading, read
from connectors.privacy import Privacy

ALICE = Reader(frozenset({"alice@example.org"}), Privacy.DETAILS)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def calendar(*components: str) -> str:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *components, "END:VCALENDAR", ""]
    )


def read_day(
    *components: str,
    start: datetime = MONDAY,
    days: float = 1,
    zone: str = "Europe/Berlin",
    reader: Reader = ALICE,
) -> Reading:
    return read(calendar(*components), start, start + timedelta(days=days), zone, reader)


def times(reading: Reading) -> list[tuple[str, str]]:
    """Starts and ends as `02T09:00` UTC."""
    return [(f"{found.start:%dT%H:%M}", f"{found.end:%dT%H:%M}") for found in reading.events]
