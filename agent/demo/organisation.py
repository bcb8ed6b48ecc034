"""Who works at the demo's organisation, and how their calendars are written (RFC 5545). Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

DOMAIN = "example.org"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the four."""

    key: str
    name: str

    @property
    def uri(self) -> str:
        return f"sip:{self.key}@{DOMAIN}"

    @property
    def email(self) -> str:
        return f"{self.key}@{DOMAIN}"


ALICE = Member("alice", "Alice Archer")
BOB = Member("bob", "Bob Baker")
CAROL = Member("carol", "Carol Carter")
DAVE = Member("dave", "Dave Draper")
MEMBERS = (ALICE, BOB, CAROL, DAVE)


class Kind(StrEnum):
    """What somebody's time is taken by."""

    MEETING = "meeting"
    LUNCH = "lunch"
    OUT_OF_OFFICE = "out of office"


@dataclass(frozen=True, slots=True)
class Event:
    """An event in somebody's calendar. ``uid`` is also the name of the object on the server."""

    uid: str
    member: Member
    summary: str
    start: datetime
    end: datetime
    kind: Kind = Kind.MEETING
    sequence: int = 0
    cancelled: bool = False

    def moved_to(self, start: datetime, end: datetime) -> "Event":
        return replace(self, start=start, end=end, sequence=self.sequence + 1)

    def cancel(self) -> "Event":
        return replace(self, cancelled=True, sequence=self.sequence + 1)


def first_calendars(now: datetime) -> tuple[Event, ...]:
    """What stands in the calendars when the demo begins. Everybody has something later on: no calendar of a working
    organisation is ever empty, and a source that suddenly is arouses suspicion."""
    later = now + timedelta(hours=10)
    standing = tuple(
        Event(f"review-{member.key}", member, "Review", later, later + timedelta(hours=1))
        for member in MEMBERS
    )
    began, ends = now - timedelta(minutes=20), now + timedelta(minutes=40)
    return (
        *standing,
        Event("interview", CAROL, "Interview", began, ends),
        Event("planning", DAVE, "Planning", began, ends),
    )


def calendar_object(event: Event, now: datetime) -> str:
    """The event as an iCalendar object with CRLF line ends."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Lamplighter//Demo//EN",
        "BEGIN:VEVENT",
        f"UID:{event.uid}@{DOMAIN}",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(event.start)}",
        f"DTEND:{_utc(event.end)}",
        f"SEQUENCE:{event.sequence}",
        f"SUMMARY:{event.summary}",
    ]
    if event.kind is Kind.LUNCH:
        lines.append("CATEGORIES:Lunch")
    if event.kind is Kind.OUT_OF_OFFICE:
        lines.append("X-MICROSOFT-CDO-BUSYSTATUS:OOF")
    if event.cancelled:
        lines.append("STATUS:CANCELLED")
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""])


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
