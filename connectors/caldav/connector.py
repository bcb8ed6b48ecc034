"""Polls one CalDAV account.

An unchanged account costs one PROPFIND of its calendar home: every calendar's token is compared. Only a
calendar whose token moved, or whose window wears out, is asked for its events in the window.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from connectors.base import Context, Link, Poll, Surveyed
from connectors.caldav.dav import (
    LIST_CALENDARS,
    Listed,
    StoredObject,
    events_between,
    every_event,
    read_calendars,
    read_objects,
)
from connectors.caldav.discovery import find_home, same_house
from connectors.caldav.mapping import MARGIN, chosen, problems_of, source_of, surveyed
from connectors.caldav.settings import CalDavSettings
from connectors.errors import BadData, Forbidden, NotFound, TimedOut
from connectors.facts import Fact
from connectors.http import Response, expect
from connectors.ical.fact import calendar_fact, reader_of
from connectors.ical.read import OBJECT_LIMIT, home_zone, read
from connectors.ical.window import Window, wears_out, window_at

_XML = "application/xml; charset=utf-8"


@dataclass(slots=True)
class _Calendar:
    """What is remembered of one calendar."""

    token: str | None
    wears_out: datetime
    fact: Fact
    problems: tuple[str, ...]


class CalDavConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: CalDavSettings, context: Context) -> None:
        home_zone(link.zone)
        self._link, self._settings, self._context = link, settings, context
        self._authorization: str | None = None
        if link.secret is not None:
            # RFC 7617 §2.1: UTF-8.
            pair = f"{settings.username}:{link.secret}".encode()
            self._authorization = f"Basic {b64encode(pair).decode()}"
        self._known: dict[str, _Calendar] = {}
        self._without_range: set[str] = set()
        self._listed: list[Listed] = []

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        home, listing = await self._list_calendars()
        now = self._context.clock.now()
        self._listed = read_calendars(listing.body)
        calendars, missing = chosen(self._listed, self._settings.calendars)
        notes = [f"there is no calendar “{name}”" for name in missing]
        if not calendars and not missing:
            notes.append("the account has no calendar that can hold events")
        sources = {source_of(self._link, calendar): calendar for calendar, _ in calendars}
        changed = fresh or sources.keys() != self._known.keys()
        unheard: set[str] = set()
        for calendar, meaning in calendars:
            source = source_of(self._link, calendar)
            known = self._known.get(source)
            if known and not fresh and known.token == calendar.token is not None and now < known.wears_out:
                continue
            try:
                self._known[source] = await self._read(home, calendar, source, meaning, now)
                changed = True
            except (Forbidden, NotFound, BadData) as error:
                # One calendar that cannot be read must not silence the others.
                unheard.add(source)
                notes.append(f"{calendar.name}: {error.what}")
        for source in self._known.keys() - sources.keys():
            del self._known[source]
        problems = (*notes, *(problem for known in self._known.values() for problem in known.problems))
        facts = tuple(known.fact for source, known in self._known.items() if source not in unheard)
        return Poll(now, facts if changed else None, problems, frozenset(unheard))

    async def survey(self) -> tuple[Surveyed, ...]:
        """See `connectors.base.Surveys.survey`."""
        return surveyed(self._listed, self._settings.calendars)

    async def _list_calendars(self) -> tuple[str, Response]:
        """The home's URL and its listing. A remembered home that is gone is looked for once more."""
        state = self._context.state
        home = state.get("home")
        if home is not None:
            response = await self._dav("PROPFIND", home, LIST_CALENDARS, depth="1")
            if response.status not in (301, 404, 405, 410):
                return home, expect(response, 207)
        home = await find_home(self._context.http, str(self._settings.url), self._authorization)
        listing = expect(await self._dav("PROPFIND", home, LIST_CALENDARS, depth="1"), 207)
        state["home"] = home
        return home, listing

    async def _read(self, home: str, calendar: Listed, source: str, meaning: str, now: datetime) -> _Calendar:
        """Fetch a calendar's events of the window and understand them."""
        window = window_at(now, self._settings)
        url = urljoin(home, calendar.path)
        if not same_house(home, url):
            raise BadData("the server lists it on another server")
        objects = await self._objects(url, source, window)
        reader = reader_of(self._link, self._settings)
        readings = await self._context.workshop.each(
            read,
            [(stored.text, window.start, window.end, self._link.zone, reader) for stored in objects],
            limit=OBJECT_LIMIT,
        )
        fact = calendar_fact(
            readings, link=self._link, source=source, meaning=meaning, window=window, now=now
        )
        return _Calendar(
            token=calendar.token,
            wears_out=wears_out(window, self._settings),
            fact=fact,
            problems=problems_of(objects, readings, calendar),
        )

    async def _objects(self, url: str, source: str, window: Window) -> list[StoredObject]:
        """A calendar's objects with events in the window; perhaps others too.

        A server that expands without limits never answers for a time range once somebody has stored an event
        that repeats every second. It is then asked for all objects, which it need not understand, and not for
        a time range again: each such question would leave it spinning.
        """
        if source not in self._without_range:
            wide = events_between(window.start - MARGIN, window.end + MARGIN)
            try:
                return read_objects(expect(await self._dav("REPORT", url, wide, depth="1"), 207).body)
            except TimedOut:
                pass
        everything = read_objects(expect(await self._dav("REPORT", url, every_event(), depth="1"), 207).body)
        self._without_range.add(source)
        return everything

    async def _dav(self, method: str, url: str, body: bytes, *, depth: str) -> Response:
        return await self._context.http.request(
            method,
            url,
            headers={"Depth": depth, "Content-Type": _XML},
            body=body,
            authorization=self._authorization,
        )

    async def close(self) -> None:
        """Nothing of its own to close; the HTTP session is shared."""
