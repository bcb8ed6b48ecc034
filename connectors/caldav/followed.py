"""One calendar that is followed: what is known of its objects in the window, kept up to date with few questions.

    first, and when the window wears out    REPORT of the objects in the window
    changed, with a sync-token (RFC 6578)   REPORT of what changed since, then of those objects
    changed, with a ctag or nothing         REPORT of the entity-tags in the window, then of those that are other

Whatever the shorter ways run into (an expired token, a server that does not know the report, too many changes), the
objects of the window are asked for anew.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote, urljoin, urlsplit

from connectors.base import Context, Failed, Link
from connectors.caldav import bodies
from connectors.caldav.account import Account
from connectors.caldav.dav import (
    Listed,
    StoredObject,
    is_token_refused,
    read_changes,
    read_etags,
    read_objects,
    slug,
)
from connectors.caldav.discovery import same_house
from connectors.caldav.settings import CalDavSettings
from connectors.errors import BadData, TimedOut
from connectors.facts import CalendarEvent
from connectors.http import expect
from connectors.ical.fact import reader_of
from connectors.ical.read import OBJECT_LIMIT, Reading, read
from connectors.ical.window import Window, wears_out, window_at

MARGIN = timedelta(days=1)
"Servers take floating times and whole days as UTC; asking for a day more on each side loses none."
AT_ONCE = 100
"Objects in one request."
MANY = 200
"More changes than this are not worth asking for one by one."
PAGES = 20
CANNOT = frozenset({400, 403, 404, 405, 409, 412, 415, 501})
"What servers answer that do not know a report."


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of one object. Those that say nothing about the window are kept by their entity-tag alone."""

    etag: str | None
    events: tuple[CalendarEvent, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Followed:
    """Mutable; one per calendar that counts."""

    link: Link
    settings: CalDavSettings
    context: Context
    account: Account
    token: str | None = None
    "Of the listing that the known objects go back to."
    sync_token: str | None = None
    wears_out: datetime | None = None
    window: Window | None = None
    _objects: dict[str, _Known] = field(default_factory=dict)
    _without_range: bool = False
    _without_sync: bool = False
    _times_only: bool = False
    "The account may not see events, or does not want to."

    @property
    def events(self) -> tuple[CalendarEvent, ...]:
        found = [event for known in self._objects.values() for event in known.events]
        return tuple(sorted(found, key=lambda event: (event.start, event.end, event.uid)))

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem for path in sorted(self._objects) for problem in self._objects[path].problems)

    def is_as(self, listed: Listed, now: datetime) -> bool:
        """Nothing has to be asked."""
        known = self.wears_out is not None and now < self.wears_out
        return known and listed.token is not None and listed.token == self.token

    async def refresh(self, home: str, listed: Listed, now: datetime, *, fresh: bool) -> None:
        """Ask for what is needed. Raises ConnectorError; what was known stays then."""
        url = urljoin(home, listed.path)
        if not same_house(home, url):
            raise BadData("the server lists it on another server")
        anew = fresh or self.window is None or self.wears_out is None or now >= self.wears_out
        if anew or not await self._by_changes(url, listed):
            window = window_at(now, self.settings)
            stored = await self._all(url, window)
            known = await self._understood(stored, window, listed)
            self._objects, self.window = known, window
            self.wears_out = wears_out(window, self.settings)
            self.sync_token = listed.sync_token
        self.token = listed.token

    async def _by_changes(self, url: str, listed: Listed) -> bool:
        """The shorter ways. False: they lead nowhere."""
        if self._without_range or self._times_only:
            return False
        if self.sync_token is not None and not self._without_sync:
            return await self._by_sync(url, listed)
        return await self._by_etags(url, listed)

    async def _by_sync(self, url: str, listed: Listed) -> bool:
        changed: dict[str, str] = {}
        gone: set[str] = set()
        token = self.sync_token
        for _ in range(PAGES):
            assert token is not None
            response = await self.account.dav("REPORT", url, bodies.changes_since(token), depth="0")
            if response.status != 207:
                # An expired token is told apart from a server that can't do it at all.
                self._without_sync = response.status in CANNOT and not is_token_refused(response.body)
                if not self._without_sync and not is_token_refused(response.body):
                    expect(response, 207)
                return False
            try:
                page = read_changes(response.body, listed.path)
            except BadData:  # or far too much has changed
                return False
            for path in page.changed:
                changed[key_of(path)] = path
                gone.discard(key_of(path))
            for path in page.gone:
                changed.pop(key_of(path), None)
                gone.add(key_of(path))
            if page.token is None or len(changed) > MANY:
                return False
            token = page.token
            if not page.more:
                await self._take(url, changed, gone, listed)
                self.sync_token = token
                return True
        return False

    async def _by_etags(self, url: str, listed: Listed) -> bool:
        assert self.window is not None
        body = bodies.events_between(self.window.start - MARGIN, self.window.end + MARGIN, texts=False)
        response = await self.account.dav("REPORT", url, body)
        if response.status != 207:
            return False
        try:
            there = read_etags(response.body)
        except BadData:
            return False
        changed = {
            key_of(path): path
            for path, etag in there.items()
            if etag is None or key_of(path) not in self._objects or self._objects[key_of(path)].etag != etag
        }
        if len(changed) > MANY:
            return False
        gone = self._objects.keys() - {key_of(path) for path in there}
        await self._take(url, changed, gone, listed)
        return True

    async def _take(
        self, url: str, changed: Mapping[str, str], gone: AbstractSet[str], listed: Listed
    ) -> None:
        """Ask for the changed objects (key -> path) and put them in the place of what was known."""
        assert self.window is not None
        stored: list[StoredObject] = []
        paths = sorted(changed.values())
        for begin in range(0, len(paths), AT_ONCE):
            body = bodies.objects(paths[begin : begin + AT_ONCE])
            stored += read_objects(expect(await self.account.dav("REPORT", url, body), 207).body)
        known = await self._understood(stored, self.window, listed)
        for key in changed.keys() | gone:
            self._objects.pop(key, None)
        self._objects.update(known)

    async def _all(self, url: str, window: Window) -> list[StoredObject]:
        """The objects with events in the window; perhaps others too.

        A server that expands without limits never answers for a time range once somebody has stored an event that
        repeats every second. It is then asked for all objects, which it need not understand, and not for a time range
        again: each such question would leave it spinning.
        """
        if self._times_only or self.settings.detail == "times":
            return await self._times(url, window)
        if not self._without_range:
            wide = bodies.events_between(window.start - MARGIN, window.end + MARGIN)
            try:
                response = await self.account.dav("REPORT", url, wide)
                if response.status == 403:
                    return await self._times(url, window)
                return read_objects(expect(response, 207).body)
            except TimedOut:
                pass
        response = await self.account.dav("REPORT", url, bodies.every_event())
        everything = read_objects(expect(response, 207).body)
        self._without_range = True
        return everything

    async def _times(self, url: str, window: Window) -> list[StoredObject]:
        """Busy times alone (RFC 4791 §7.10): for calendars that others let us see no more of. Raises `Forbidden`."""
        body = bodies.busy_between(window.start, window.end)
        response = expect(await self.account.dav("REPORT", url, body), 200)
        self._times_only = True
        return [StoredObject("busy times", response.body.decode("utf-8", "replace"))]

    async def _understood(
        self, stored: list[StoredObject], window: Window, listed: Listed
    ) -> dict[str, _Known]:
        """What the objects say of the window, worked out in the workshop."""
        reader = reader_of(self.link, self.settings)
        readings = await self.context.workshop.each(
            read,
            [(each.text, window.start, window.end, self.link.zone, reader) for each in stored],
            limit=OBJECT_LIMIT,
        )
        known = {
            key_of(each.path): _known(each, reading, listed)
            for each, reading in zip(stored, readings, strict=True)
        }
        by_etags = self._without_sync or listed.sync_token is None
        # Only who compares entity-tags has to remember those that say nothing.
        return {key: each for key, each in known.items() if by_etags or each.events or each.problems}


def key_of(path: str) -> str:
    """Servers write the same path as a whole URL, or with other characters escaped."""
    return unquote(urlsplit(path).path)


def _known(stored: StoredObject, reading: Reading | Failed, listed: Listed) -> _Known:
    where = f"{listed.name}/{slug(stored.path)}"
    if isinstance(reading, Failed):
        return _Known(stored.etag, problems=(f"{where}: {reading.reason}",))
    return _Known(stored.etag, reading.events, tuple(f"{where}: {problem}" for problem in reading.problems))
