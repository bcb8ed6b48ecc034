"""The answers of WebDAV and CalDAV (RFC 4918, RFC 4791, RFC 6578, RFC 7953). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from connectors.errors import BadData
from connectors.safe_xml import parse

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
    transparent: bool = False
    "Its owner marked it as not affecting availability (RFC 6638 §9.1)."
    sync_token: str | None = None
    "Changes since then can be asked for (RFC 6578). None: the server does not say."

    @property
    def slug(self) -> str:
        """The last part of the path: stable when the calendar is renamed."""
        return slug(self.path)


@dataclass(frozen=True, slots=True)
class Home:
    """What a listing of a calendar home says."""

    calendars: tuple[Listed, ...]
    "Those that can hold events, by path."
    availability: str = ""
    "VAVAILABILITY of the account (RFC 7953 §7.2.4), as iCalendar; empty: none."


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One calendar object resource."""

    path: str
    text: str
    etag: str | None = None

    @property
    def slug(self) -> str:
        return slug(self.path)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a sync-collection report says."""

    changed: frozenset[str]
    gone: frozenset[str]
    token: str | None
    more: bool
    "The server cut its answer; the rest comes for the new token (RFC 6578 §3.6)."


def slug(path: str) -> str:
    """The last part of a path."""
    return unquote(path.rstrip("/").rpartition("/")[2])


def read_home(body: bytes) -> Home:
    """From the answer to `bodies.LIST_CALENDARS`."""
    found = []
    availability = ""
    for path, prop in _answers(body):
        availability = _text(prop, "c:calendar-availability") or availability
        if prop.find(f"d:resourcetype/{_CALENDAR}", _NAMES) is None:
            continue
        kinds = [comp.get("name", "").upper() for comp in prop.iterfind(".//c:comp", _NAMES)]
        if kinds and "VEVENT" not in kinds:
            continue
        sync_token = _text(prop, "d:sync-token")
        found.append(
            Listed(
                path,
                _text(prop, "d:displayname") or slug(path),
                sync_token or _text(prop, "cs:getctag"),
                prop.find("c:schedule-calendar-transp/c:transparent", _NAMES) is not None,
                sync_token,
            )
        )
    return Home(tuple(sorted(found, key=lambda listed: listed.path)), availability)


def read_objects(body: bytes) -> list[StoredObject]:
    """From the answer to `bodies.events_between` or `bodies.objects`: what is there, by path."""
    found = []
    for path, prop in _answers(body):
        data = prop.find("c:calendar-data", _NAMES)
        if data is not None and data.text:
            found.append(StoredObject(path, data.text, _text(prop, "d:getetag")))
    return sorted(found, key=lambda stored: stored.path)


def read_etags(body: bytes) -> dict[str, str | None]:
    """Path -> entity-tag, from the answer to `bodies.events_between` without texts."""
    return {path: _text(prop, "d:getetag") for path, prop in _answers(body)}


def read_changes(body: bytes, collection: str) -> Changes:
    """From the answer to `bodies.changes_since`. ``collection``: the calendar's own path, which is no object."""
    root = _multistatus(body)
    changed, gone, more = set(), set(), False
    for response in root.iterfind("d:response", _NAMES):
        path, status = _text(response, "d:href"), _text(response, "d:status") or ""
        if not path:
            continue
        if unquote(path).rstrip("/") == unquote(collection).rstrip("/"):
            more = more or " 507" in status
        elif " 404" in status or " 410" in status:
            gone.add(path)
        else:
            changed.add(path)
    return Changes(frozenset(changed), frozenset(gone), _text(root, "d:sync-token"), more)


def is_token_refused(body: bytes) -> bool:
    """Is this the error of a sync-token that the server does not know any more (RFC 6578 §3.2)?"""
    return b"valid-sync-token" in body


def _multistatus(body: bytes) -> etree._Element:
    root = parse(body)
    if root.tag != "{DAV:}multistatus":
        raise BadData("the answer is not a WebDAV multistatus")
    if len(root) > MAX_ANSWERS:
        raise BadData(f"the answer lists more than {MAX_ANSWERS} entries")
    return root


def _answers(body: bytes) -> Iterator[tuple[str, etree._Element]]:
    """(href, prop) of each response, properties with status 200 only."""
    for response in _multistatus(body).iterfind("d:response", _NAMES):
        path = _text(response, "d:href")
        for propstat in response.iterfind("d:propstat", _NAMES):
            prop = propstat.find("d:prop", _NAMES)
            if path and prop is not None and " 200" in (_text(propstat, "d:status") or " 200"):
                yield path, prop


def _text(element: etree._Element, path: str) -> str | None:
    text = element.findtext(path, namespaces=_NAMES)
    return text.strip() if text and text.strip() else None
