"""Polls one CalDAV account.

An unchanged account costs one PROPFIND of its calendar home: every calendar's token is compared. Only a calendar whose
token moved, or whose window wears out, is asked anything (`connectors.caldav.followed`).
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from connectors.base import Context, Link, Poll, Surveyed
from connectors.caldav.account import Account
from connectors.caldav.bodies import LIST_CALENDARS
from connectors.caldav.dav import Home, Listed, read_home
from connectors.caldav.discovery import find_home
from connectors.caldav.followed import Followed
from connectors.caldav.mapping import chosen, source_of, surveyed
from connectors.caldav.settings import CalDavSettings
from connectors.errors import BadData, Forbidden, NotFound
from connectors.facts import Fact
from connectors.http import Response, expect
from connectors.ical.availability import unavailable
from connectors.ical.fact import reader_of, value_of
from connectors.ical.read import OBJECT_LIMIT, Reading, home_zone, read
from connectors.ical.window import window_at


class CalDavConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: CalDavSettings, context: Context) -> None:
        home_zone(link.zone)
        self._link, self._settings, self._context = link, settings, context
        self._account = Account(link, settings, context)
        self._followed: dict[str, Followed] = {}
        self._facts: dict[str, Fact] = {}
        self._home, self._digest = Home(()), b""
        "The listing, and the hash of the text that it was read from: mostly it is the same again."
        self._stated: Fact | None = None
        "What the account states beside its calendars."

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        home, listing = await self._list_calendars()
        now = self._context.clock.now()
        known_availability = self._home.availability
        digest = sha256(listing.body).digest()
        if digest != self._digest:
            self._home, self._digest = read_home(listing.body), digest
        calendars, missing = chosen(self._home.calendars, self._settings.calendars)
        notes = [f"there is no calendar “{name}”" for name in missing]
        if not calendars and not missing:
            notes.append("the account has no calendar that can hold events")
        sources = {source_of(self._link, calendar): (calendar, meaning) for calendar, meaning in calendars}
        changed = (
            fresh or sources.keys() != self._facts.keys() or self._home.availability != known_availability
        )
        unheard: set[str] = set()
        for source, (calendar, meaning) in sources.items():
            followed = self._followed.get(source)
            if followed is not None and not fresh and followed.is_as(calendar, now):
                continue
            try:
                self._facts[source] = await self._read(home, calendar, source, meaning, now, fresh)
                changed = True
            except (Forbidden, NotFound, BadData) as error:
                # One calendar that cannot be read must not silence the others.
                unheard.add(source)
                notes.append(f"{calendar.name}: {error.what}")
        for source in self._facts.keys() - sources.keys():
            del self._facts[source]
            self._followed.pop(source, None)
        if changed and self._settings.availability:
            self._stated = await self._availability(now)
        facts = tuple(fact for source, fact in self._facts.items() if source not in unheard)
        problems = (*notes, *self._problems(sources))
        if self._stated is not None:
            facts = (*facts, self._stated)
        return Poll(now, facts if changed else None, problems, frozenset(unheard))

    async def survey(self) -> tuple[Surveyed, ...]:
        """See `connectors.base.Surveys.survey`."""
        return surveyed(self._home.calendars, self._settings.calendars)

    def _problems(self, sources: Iterable[str]) -> Iterable[str]:
        known = (self._followed[source] for source in sources if source in self._followed)
        return (problem for followed in known for problem in followed.problems)

    async def _list_calendars(self) -> tuple[str, Response]:
        """The home's URL and its listing. A remembered home that is gone is looked for once more."""
        state = self._context.state
        home = state.get("home")
        if home is not None:
            response = await self._account.dav("PROPFIND", home, LIST_CALENDARS)
            if response.status not in (301, 404, 405, 410):
                return home, expect(response, 207)
        home = await find_home(self._account.request, str(self._settings.url))
        listing = expect(await self._account.dav("PROPFIND", home, LIST_CALENDARS), 207)
        state["home"] = home
        return home, listing

    async def _read(
        self, home: str, calendar: Listed, source: str, meaning: str, now: datetime, fresh: bool
    ) -> Fact:
        """Bring one calendar up to date."""
        followed = self._followed.setdefault(
            source, Followed(self._link, self._settings, self._context, self._account)
        )
        await followed.refresh(home, calendar, now, fresh=fresh)
        assert followed.window is not None
        value = value_of(followed.events, followed.window, meaning)
        return Fact(self._link.person, source, value, now)

    async def _availability(self, now: datetime) -> Fact | None:
        """What the account states of itself, below all events. Times that cannot be read are nobody's."""
        if not self._home.availability:
            return None
        window = window_at(now, self._settings)
        reader = reader_of(self._link, self._settings)
        item = (self._home.availability, window.start, window.end, self._link.zone, reader)
        (reading,) = await self._context.workshop.each(read, [item], limit=OBJECT_LIMIT)
        stated = reading.availability if isinstance(reading, Reading) else ()
        events = [event for followed in self._followed.values() for event in followed.events]
        value = value_of(unavailable(stated, events), window, "availability")
        return Fact(self._link.person, f"{self._link.connector}:{self._link.id}", value, now)

    async def close(self) -> None:
        """Nothing of its own to close; the HTTP session is shared."""
