"""Polls one CalDAV account.

An unchanged account costs one PROPFIND of its calendar home: every calendar's token is compared. Only a calendar whose
token moved, or whose window wears out, is asked anything (`connectors.caldav.followed`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
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

TROUBLE_LASTS = timedelta(minutes=30)
"A calendar that cannot be read is tried again after this, or when it has changed."


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why one calendar cannot be read."""

    words: str
    token: str | None
    again: datetime


class CalDavConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: CalDavSettings, context: Context) -> None:
        home_zone(link.zone)
        self._link, self._settings, self._context = link, settings, context
        self._account = Account(link, settings, context)
        self._followed: dict[str, Followed] = {}
        self._facts: dict[str, Fact] = {}
        self._troubles: dict[str, _Trouble] = {}
        self._listed: frozenset[str] = frozenset()
        "Sources of the calendars that count; like the keys of the three above."
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
        changed = fresh or sources.keys() != self._listed or self._home.availability != known_availability
        self._listed = frozenset(sources)
        for gone in self._followed.keys() - sources.keys():
            del self._followed[gone]
        for known in (self._facts, self._troubles):
            for gone in known.keys() - sources.keys():
                del known[gone]
        for source, (calendar, meaning) in sources.items():
            if fresh or self._is_due(source, calendar, now):
                changed = await self._try(home, calendar, source, meaning, now, fresh) or changed
        if changed and self._settings.availability:
            self._stated = await self._availability(now)
        facts = [fact for source, fact in self._facts.items() if source not in self._troubles]
        facts += [] if self._stated is None else [self._stated]
        notes += [trouble.words for trouble in self._troubles.values()]
        problems = (*notes, *self._problems(sources))
        return Poll(now, tuple(facts) if changed else None, problems, frozenset(self._troubles))

    def _is_due(self, source: str, calendar: Listed, now: datetime) -> bool:
        trouble, followed = self._troubles.get(source), self._followed.get(source)
        if trouble is not None:
            return now >= trouble.again or trouble.token != calendar.token
        return followed is None or not followed.is_as(calendar, now)

    async def _try(
        self, home: str, calendar: Listed, source: str, meaning: str, now: datetime, fresh: bool
    ) -> bool:
        """True when there is something new. One calendar that cannot be read must not silence the others."""
        try:
            self._facts[source] = await self._read(home, calendar, source, meaning, now, fresh)
        except (Forbidden, NotFound, BadData) as error:
            words = f"{calendar.name}: {error.what}"
            self._troubles[source] = _Trouble(words, calendar.token, now + TROUBLE_LASTS)
            return False
        self._troubles.pop(source, None)
        return True

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
