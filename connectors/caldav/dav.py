"""The WebDAV and CalDAV bodies that a poll needs (RFC 4918, RFC 4791, RFC 6578). Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from lxml import etree

from connectors.errors import BadData
from connectors.safe_xml import parse

LIST_CALENDARS = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/">'
    b"<d:prop><d:resourcetype/><d:displayname/><d:sync-token/><cs:getctag/>"
    b"<c:supported-calendar-component-set/><c:schedule-calendar-transp/></d:prop></d:propfind>"
)
"PROPFIND body, Depth 1 on a calendar home: everything that an unchanged poll has to know."

_NAMES = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:caldav", "cs": "http://calendarserver.org/ns/"}
_CALENDAR = "{urn:ietf:params:xml:ns:caldav}calendar"
MAX_ANSWERS = 5000
"Calendars of one home, or objects of one window."


@dataclass(frozen=True, slots=True)
class Listed:
    """One calendar of a home."""

    path: str
    "As the server wrote it: may be a whole URL."
    name: str
    "Display name, else the last part of the path."
    token: str | None
    "Changes whenever anything in the calendar changes. None: the server gives none."
    transparent: bool
    "Its owner marked it as not affecting availability (RFC 6638 §9.1)."

    @property
    def slug(self) -> str:
        """The last part of the path: stable when the calendar is renamed."""
        return unquote(self.path.rstrip("/").rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One calendar object resource."""

    path: str
    text: str

    @property
    def slug(self) -> str:
        return unquote(self.path.rstrip("/").rpartition("/")[2])


def events_between(start: datetime, end: datetime) -> bytes:
    """REPORT body: objects with events in ``[start, end)`` (RFC 4791 §7.8)."""
    return _query(f'<c:time-range start="{_stamp(start)}" end="{_stamp(end)}"/>')


def every_event() -> bytes:
    """REPORT body: all objects with events. The server has nothing to expand."""
    return _query("")


def read_calendars(body: bytes) -> list[Listed]:
    """From the answer to `LIST_CALENDARS`: the calendars that can hold events, by path."""
    found = []
    for path, prop in _answers(body):
        if prop.find(f"d:resourcetype/{_CALENDAR}", _NAMES) is None:
            continue
        kinds = [comp.get("name", "").upper() for comp in prop.iterfind(".//c:comp", _NAMES)]
        if kinds and "VEVENT" not in kinds:
            continue
        token = _text(prop, "d:sync-token") or _text(prop, "cs:getctag")
        transparent = prop.find("c:schedule-calendar-transp/c:transparent", _NAMES) is not None
        listed = Listed(path, _text(prop, "d:displayname") or "", token, transparent)
        found.append(listed if listed.name else Listed(path, listed.slug, token, transparent))
    return sorted(found, key=lambda listed: listed.path)


def read_objects(body: bytes) -> list[StoredObject]:
    """From the answer to `events_between`."""
    found = []
    for path, prop in _answers(body):
        data = prop.find("c:calendar-data", _NAMES)
        if data is not None and data.text:
            found.append(StoredObject(path, data.text))
    return sorted(found, key=lambda stored: stored.path)


def _query(event_filter: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        "<d:prop><c:calendar-data/></d:prop>"
        '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
        f"{event_filter}</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
    ).encode()


def _answers(body: bytes) -> list[tuple[str, etree._Element]]:
    """(href, prop) of each response, properties with status 200 only."""
    root = parse(body)
    if root.tag != "{DAV:}multistatus":
        raise BadData("the answer is not a WebDAV multistatus")
    found = []
    for response in root.iterfind("d:response", _NAMES):
        path = _text(response, "d:href")
        for propstat in response.iterfind("d:propstat", _NAMES):
            prop = propstat.find("d:prop", _NAMES)
            if path and prop is not None and " 200" in (_text(propstat, "d:status") or " 200"):
                found.append((path, prop))
        if len(found) > MAX_ANSWERS:
            raise BadData(f"the answer lists more than {MAX_ANSWERS} entries")
    return found


def _text(element: etree._Element, path: str) -> str | None:
    text = element.findtext(path, namespaces=_NAMES)
    return text.strip() if text and text.strip() else None


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
