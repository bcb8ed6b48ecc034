"""What an event shows its owner as: the one table for iCalendar sources.

First match wins:

1. STATUS:CANCELLED, or the person declined                       → no event at all
2. X-MICROSOFT-CDO-BUSYSTATUS (or BUSYSTATUS)                     → what it says
3. TRANSP:TRANSPARENT                                             → free
4. a whole day without TRANSP:OPAQUE, unless whole days count     → free (birthdays, holidays)
5. the person has not answered and the organizer intends free     → free
6. STATUS:TENTATIVE, or the person's answer is tentative or open  → tentative
7. everything else                                                → busy

Private events keep their times and lose their words. Something that takes no time shows nothing.
"""

from connectors.calendar_event import Reader, event_told
from connectors.facts import CalendarEvent, Shows
from connectors.ical.expand import Occurrence
from connectors.ical.lines import Block, Line, has_meeting_link, split_text, unescape
from connectors.ical.record import EventRecord

_MICROSOFT = {
    "FREE": Shows.FREE,
    "TENTATIVE": Shows.TENTATIVE,
    "BUSY": Shows.BUSY,
    "OOF": Shows.OUT_OF_OFFICE,
    "WORKINGELSEWHERE": Shows.ELSEWHERE,
}
_MEETING_PROPERTIES = (
    "X-ONLINE-MEETING",
    "CONFERENCE",
    "X-GOOGLE-CONFERENCE",
    "X-MICROSOFT-SKYPETEAMSMEETINGURL",
    "X-MICROSOFT-ONLINEMEETINGCONFLINK",
)


def shows(record: EventRecord, reader: Reader) -> Shows | None:
    """By the table above; None: the event does not count."""
    block = record.block
    status = block.text("STATUS").upper()
    answer = _answer(block, reader.addresses)
    if status == "CANCELLED" or answer == "DECLINED":
        return None
    written = block.text("X-MICROSOFT-CDO-BUSYSTATUS") or block.text("BUSYSTATUS")
    if written.upper() in _MICROSOFT:
        return _MICROSOFT[written.upper()]
    transparency = block.text("TRANSP").upper()
    if transparency == "TRANSPARENT":
        return Shows.FREE
    if record.all_day and transparency != "OPAQUE" and not reader.whole_days_count:
        return Shows.FREE
    if answer == "NEEDS-ACTION" and block.text("X-MICROSOFT-CDO-INTENDEDSTATUS").upper() == "FREE":
        return Shows.FREE
    if status == "TENTATIVE" or answer in ("TENTATIVE", "NEEDS-ACTION"):
        return Shows.TENTATIVE
    return Shows.BUSY


def calendar_event(occurrence: Occurrence, reader: Reader) -> CalendarEvent | None:
    """The fact of one occurrence; None when it does not count."""
    record = occurrence.record
    shown = shows(record, reader)
    if shown is None:
        return None
    block = record.block
    others = [line for line in block.each("ATTENDEE") if not _is_one_of(line, reader.addresses)]
    return event_told(
        reader,
        start=occurrence.start,
        end=occurrence.end,
        shows=shown,
        all_day=record.all_day,
        private=is_private(block),
        title=unescape(block.text("SUMMARY")),
        place=unescape(block.text("LOCATION")),
        categories=(part for line in block.each("CATEGORIES") for part in split_text(line.value)),
        attendees=len(others) if block.first("ATTENDEE") else None,
        online_meeting=_is_online(block),
        uid=record.uid,
    )


def is_private(block: Block) -> bool:
    return block.text("CLASS").upper() in ("PRIVATE", "CONFIDENTIAL")


def _answer(block: Block, addresses: frozenset[str]) -> str:
    """The person's own PARTSTAT; empty when the person is not among the attendees."""
    for line in block.each("ATTENDEE"):
        if _is_one_of(line, addresses):
            # RFC 5545 §3.2.12: the default.
            return line.params.get("PARTSTAT", "NEEDS-ACTION").upper()
    return ""


def _is_one_of(line: Line, addresses: frozenset[str]) -> bool:
    value = line.value.strip().lower().removeprefix("mailto:")
    return value in addresses or line.params.get("EMAIL", "").lower() in addresses


def _is_online(block: Block) -> bool:
    return any(block.text(name) for name in _MEETING_PROPERTIES) or any(
        has_meeting_link(block.text(name)) for name in ("LOCATION", "URL")
    )
