"""iCalendar text → components of property lines (RFC 5545 §3.1). Tolerant where real calendars need it.

Only what presence needs is kept: descriptions, attachments and alarms are most of a calendar's bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.errors import BadData

MAX_TEXT = 10 * 1024 * 1024
"Characters of one calendar."
MAX_LINE = 64 * 1024
"Characters of one unfolded line; the rest of it is cut off."
MAX_COMPONENTS = 20_000

_KEPT = """
    UID DTSTART DTEND DURATION RRULE RDATE EXDATE RECURRENCE-ID STATUS TRANSP CLASS SUMMARY LOCATION CATEGORIES
    ATTENDEE CONFERENCE URL FREEBUSY BUSYTYPE PRIORITY BUSYSTATUS
    X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-CDO-INTENDEDSTATUS
    X-GOOGLE-CONFERENCE X-MICROSOFT-SKYPETEAMSMEETINGURL X-MICROSOFT-ONLINEMEETINGCONFLINK X-ONLINE-MEETING
"""
KEPT = frozenset(_KEPT.split())
_MEETING_LINK = re.compile(
    r"https://(?:teams\.(?:microsoft|live)\.com/(?:l/meetup-join|meet)/|[\w.-]*zoom\.us/(?:j|my)/"
    r"|meet\.google\.com/|[\w.-]+\.webex\.com/|meet\.jit\.si/|[\w.-]+/b/\w{3}-)",
    re.IGNORECASE,
)
# COMPAT(Exchange, older Outlook for iCalendar): an unquoted colon inside the TZID parameter.
_TZONE = re.compile(r"(?i)TZID=\"?tzone://Microsoft/(\w+)\"?")
_FOLD = re.compile(r"\r?\n[ \t]")


@dataclass(frozen=True, slots=True)
class Line:
    """One property: `DTSTART;TZID=Europe/Berlin:20260302T090000`."""

    name: str
    "Upper case."
    params: dict[str, str]
    "Upper-case keys, values without quotes."
    value: str


@dataclass(slots=True)
class Block:
    """One component with its own kept lines and its inner components."""

    name: str
    lines: list[Line] = field(default_factory=list)
    blocks: list["Block"] = field(default_factory=list)

    def first(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)

    def text(self, name: str) -> str:
        """The first value of that name, stripped; empty when there is none."""
        line = self.first(name)
        return line.value.strip() if line else ""

    def each(self, name: str) -> Iterator[Line]:
        return (line for line in self.lines if line.name == name)


def read_blocks(text: str) -> list[Block]:
    """All components directly inside VCALENDAR. Raises `BadData` when this is no calendar at all."""
    if len(text) > MAX_TEXT:
        raise BadData("the calendar is too large")
    text = _TZONE.sub(lambda match: f"TZID={'UTC' if match[1].lower() == 'utc' else match[1]}", text)
    root = Block("")
    stack = [root]
    count = 0
    for raw in _FOLD.sub("", text.removeprefix("\ufeff")).splitlines():
        head = raw[:6].upper()
        if head == "BEGIN:":
            count += 1
            if count > MAX_COMPONENTS or len(stack) > 50:
                raise BadData("the calendar has too many parts")
            inner = Block(raw[6:].strip().upper())
            stack[-1].blocks.append(inner)
            stack.append(inner)
        elif raw[:4].upper() == "END:":
            if len(stack) > 1:
                stack.pop()
        elif len(stack) > 1:
            line = read_line(raw)
            if line is not None:
                stack[-1].lines.append(line)
    calendars = [block for block in root.blocks if block.name == "VCALENDAR"]
    if not calendars:
        raise BadData("this is not an iCalendar (no BEGIN:VCALENDAR)")
    return [block for calendar in calendars for block in calendar.blocks]


def read_line(raw: str) -> Line | None:
    """A property that presence needs, or None. A meeting link in a long text is kept as X-ONLINE-MEETING."""
    name = re.split("[;:]", raw[:80], maxsplit=1)[0].strip().upper()
    if name not in KEPT:
        if name in ("DESCRIPTION", "X-ALT-DESC") and _MEETING_LINK.search(raw[:MAX_LINE]):
            return Line("X-ONLINE-MEETING", {}, "1")
        return None
    raw = raw[:MAX_LINE]
    position, quoted, starts = len(name), False, [len(name)]
    for position in range(len(name), len(raw)):
        character = raw[position]
        if character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            starts.append(position)
        elif character == ":" and not quoted:
            break
    else:
        return None
    params: dict[str, str] = {}
    for start, end in zip(starts, [*starts[1:], position], strict=True):
        key, equals, value = raw[start + 1 : end].partition("=")
        if equals:
            params.setdefault(key.strip().upper(), value.replace('"', ""))
    return Line(name, params, raw[position + 1 :])


def has_meeting_link(text: str) -> bool:
    return _MEETING_LINK.search(text) is not None


def unescape(text: str) -> str:
    r"""TEXT values: ``\n``, ``\,``, ``\;``, ``\\`` (RFC 5545 §3.3.11)."""
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], text).strip()


def split_text(text: str) -> list[str]:
    """A TEXT list at its unescaped commas, each part unescaped."""
    return [part for part in (unescape(raw) for raw in re.split(r"(?<!\\),", text)) if part]
