"""The request bodies of CalDAV (RFC 4918, RFC 4791, RFC 6578). Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_NAMES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'

LIST_CALENDARS = (
    f'{_HEAD}<d:propfind {_NAMES} xmlns:cs="http://calendarserver.org/ns/">'
    "<d:prop><d:resourcetype/><d:displayname/><d:sync-token/><cs:getctag/>"
    "<c:supported-calendar-component-set/><c:schedule-calendar-transp/><c:calendar-availability/></d:prop>"
    "</d:propfind>"
).encode()
"PROPFIND, Depth 1 on a calendar home: everything that an unchanged poll has to know."


def events_between(start: datetime, end: datetime, *, texts: bool = True) -> bytes:
    """REPORT: objects with events in ``[start, end)`` (RFC 4791 §7.8). Without ``texts`` their entity-tags only."""
    return _query(f'<c:time-range start="{_stamp(start)}" end="{_stamp(end)}"/>', texts)


def every_event() -> bytes:
    """REPORT: all objects with events. The server has nothing to expand."""
    return _query("", True)


def objects(paths: Iterable[str]) -> bytes:
    """REPORT: these objects (RFC 4791 §7.9)."""
    hrefs = "".join(f"<d:href>{escape(path)}</d:href>" for path in paths)
    return (
        f"{_HEAD}<c:calendar-multiget {_NAMES}><d:prop><d:getetag/><c:calendar-data/></d:prop>"
        f"{hrefs}</c:calendar-multiget>"
    ).encode()


def changes_since(token: str) -> bytes:
    """REPORT: what has changed since the token was given (RFC 6578 §3.2)."""
    return (
        f"{_HEAD}<d:sync-collection {_NAMES}><d:sync-token>{escape(token)}</d:sync-token>"
        "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
    ).encode()


def busy_between(start: datetime, end: datetime) -> bytes:
    """REPORT: times only (RFC 4791 §7.10)."""
    return (
        f"{_HEAD}<c:free-busy-query {_NAMES}>"
        f'<c:time-range start="{_stamp(start)}" end="{_stamp(end)}"/></c:free-busy-query>'
    ).encode()


def _query(event_filter: str, texts: bool) -> bytes:
    data = "<c:calendar-data/>" if texts else ""
    return (
        f"{_HEAD}<c:calendar-query {_NAMES}><d:prop><d:getetag/>{data}</d:prop>"
        '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
        f"{event_filter}</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
    ).encode()


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
