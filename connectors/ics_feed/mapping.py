"""A feed's text → objects that can be read one by one. Pure."""

import re
from collections.abc import Sequence

from connectors.base import Failed
from connectors.errors import BadData
from connectors.ical.lines import MAX_COMPONENTS, MAX_TEXT
from connectors.ical.read import Reading

_PART = re.compile(
    r"^BEGIN:(VEVENT|VTIMEZONE|VFREEBUSY|VAVAILABILITY)[ \t]*\r?\n.*?^END:\1[ \t]*\r?$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_UID = re.compile(r"^UID[^:\r\n]*:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)


def split_feed(text: str) -> list[str]:
    """One calendar text per UID, each with the feed's time zones: so one broken or costly event can be named
    and the others count. Raises `BadData` when this is no calendar."""
    if "BEGIN:VCALENDAR" not in text[:4096].upper():
        raise BadData("this is not an iCalendar (no BEGIN:VCALENDAR)")
    if len(text) > MAX_TEXT:
        raise BadData("the calendar is too large")
    zones: list[str] = []
    by_uid: dict[str, list[str]] = {}
    for number, part in enumerate(_PART.finditer(text)):
        if number >= MAX_COMPONENTS:
            raise BadData("the calendar has too many parts")
        if part[1].upper() == "VTIMEZONE":
            zones.append(part[0].rstrip("\r"))
            continue
        uid = _UID.search(part[0])
        by_uid.setdefault(uid[1].strip() if uid else f"\0{number}", []).append(part[0].rstrip("\r"))
    head = ["BEGIN:VCALENDAR", *zones]
    return ["\r\n".join([*head, *events, "END:VCALENDAR", ""]) for events in by_uid.values()]


def problems_of(objects: Sequence[str], readings: Sequence[Reading | Failed]) -> tuple[str, ...]:
    """What could not be read, each named once."""
    found: dict[str, None] = {}
    for text, reading in zip(objects, readings, strict=True):
        if isinstance(reading, Failed):
            uid = _UID.search(text)
            found[f"event with UID {uid[1].strip()[:60] if uid else '?'}: {reading.reason}"] = None
        else:
            found.update(dict.fromkeys(reading.problems))
    return tuple(found)


def decode(body: bytes) -> str:
    """iCalendar is UTF-8 (RFC 5545 §3.1.4); what is not is read as Windows text rather than lost."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
