"""A feed's text → objects that can be read one by one. Pure."""

import re
from collections.abc import Iterator, Sequence

from connectors.base import Failed
from connectors.errors import BadData
from connectors.ical.lines import MAX_COMPONENTS, MAX_TEXT
from connectors.ical.read import Reading

_PARTS = frozenset({"VEVENT", "VTIMEZONE", "VFREEBUSY", "VAVAILABILITY"})
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
    for number, (name, part) in enumerate(_parts(text)):
        if number >= MAX_COMPONENTS:
            raise BadData("the calendar has too many parts")
        if name == "VTIMEZONE":
            zones.append(part)
            continue
        uid = _UID.search(part)
        by_uid.setdefault(uid[1].strip() if uid else f"\0{number}", []).append(part)
    head = ["BEGIN:VCALENDAR", *zones]
    return ["\r\n".join([*head, *events, "END:VCALENDAR", ""]) for events in by_uid.values()]


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Name and text of each component that counts, those inside others left where they are; one that is not ended is
    none. Line by line: a pattern over the whole text would take for ever on a text that was made for that."""
    name, lines = "", []
    for line in text.splitlines():
        keyword, _, component = line.rstrip().upper().partition(":")
        if not name and keyword == "BEGIN" and component in _PARTS:
            name, lines = component, [line]
        elif name:
            lines.append(line)
            if keyword == "END" and component == name:
                yield name, "\r\n".join(lines)
                name = ""


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
