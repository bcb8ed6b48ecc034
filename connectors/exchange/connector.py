"""One mailbox: asked for together with a hundred others (free and busy times), or by itself (the calendar)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from connectors.base import Context, Link, Poll
from connectors.errors import Forbidden, Misconfigured
from connectors.exchange.hub import ExchangeHub
from connectors.exchange.mapping import read_appointments, read_availability_of, read_replies
from connectors.exchange.settings import ExchangeSettings, Mode
from connectors.ical.fact import calendar_fact, reader_of
from connectors.ical.read import Reading, home_zone
from connectors.ical.window import Window, wears_out, window_at
from connectors.privacy import Privacy

RECONCILE = timedelta(minutes=10)
"While Exchange tells of changes it is asked all the same, this often."
REPLIES = "out-of-office"
"Meaning of the calendar that automatic replies make."


class ExchangeConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: ExchangeSettings, context: Context) -> None:
        address = settings.mailbox or (link.addresses[0] if link.addresses else "")
        if not address:
            raise Misconfigured(
                "nothing says whose mailbox it is",
                advice="Give the link a mailbox, or the person an e-mail address.",
            )
        hub: ExchangeHub = context.hub
        mailbox = address.lower()
        self._way: _FreeBusy | _Calendar
        if settings.mode is Mode.CALENDAR:
            self._way = _Calendar(link, settings, context, hub, mailbox)
        else:
            self._way = _FreeBusy(link, settings, hub, mailbox)
        self._hub, self._mailbox = hub, mailbox

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        return await self._way.poll(fresh)

    async def close(self) -> None:
        """See `connectors.base.PollConnector.close`."""
        self._hub.leave(self._mailbox)


class _Said:
    """What was said last, so that the same again costs nobody anything."""

    def __init__(self, link: Link, settings: ExchangeSettings) -> None:
        self._link, self._settings = link, settings
        self._readings: Mapping[str, Reading] = {}
        self._wears_out: datetime | None = None

    def is_worn(self, now: datetime) -> bool:
        """Nothing was said yet, or not enough of the future is known any more."""
        return self._wears_out is None or now >= self._wears_out

    def poll(
        self, readings: Mapping[str, Reading], window: Window, at: datetime, *, fresh: bool, **more: bool
    ) -> Poll:
        """``readings``: meaning of the calendar -> what it holds in the window."""
        same = readings == self._readings and not fresh and not self.is_worn(at)
        self._readings = readings
        problems = tuple(problem for reading in readings.values() for problem in reading.problems)
        if same:
            return Poll(at, None, problems)
        self._wears_out = wears_out(window, self._settings)
        facts = tuple(
            calendar_fact(
                [reading],
                link=self._link,
                source=f"{self._link.connector}:{self._link.id}/{meaning or 'calendar'}",
                meaning=meaning,
                window=window,
                now=at,
            )
            for meaning, reading in readings.items()
        )
        return Poll(at, facts, problems, announced=more.get("announced", False))


class _FreeBusy:
    """What the mailbox shows everybody."""

    def __init__(self, link: Link, settings: ExchangeSettings, hub: ExchangeHub, mailbox: str) -> None:
        self._home, self._reader = home_zone(link.zone), reader_of(link, settings)
        self._settings, self._hub, self._mailbox = settings, hub, mailbox
        self._said = _Said(link, settings)
        hub.join(mailbox, settings.interval.total_seconds(), words=link.privacy is Privacy.DETAILS)

    async def poll(self, fresh: bool) -> Poll:
        availability, at = await self._hub.availability(self._mailbox, fresh=fresh)
        reading = read_availability_of(availability, self._home, self._reader)
        return self._said.poll({self._settings.calendar: reading}, availability.window, at, fresh=fresh)


class _Calendar:
    """The events themselves."""

    def __init__(
        self, link: Link, settings: ExchangeSettings, context: Context, hub: ExchangeHub, mailbox: str
    ) -> None:
        self._home, self._reader = home_zone(link.zone), reader_of(link, settings)
        self._link, self._settings, self._clock = link, settings, context.clock
        self._hub, self._mailbox = hub, mailbox
        self._said = _Said(link, settings)
        self._poll_now = context.poll_now
        self._box = hub.open(mailbox, self._changed)
        self._state: str | None = None
        "How far SyncFolderItems has got."
        self._events = Reading((), ())
        self._looked: datetime | None = None
        self._announced = False

    def _changed(self) -> None:
        """Exchange tells that something is."""
        self._announced = True
        self._poll_now()

    async def poll(self, fresh: bool) -> Poll:
        now = self._clock.now()
        announced, self._announced = self._announced, False
        read_all = fresh or announced or self._said.is_worn(now)
        if not read_all and self._hub.tells_of(self._mailbox) and not self._must_look(now):
            return Poll(now, None)
        window = window_at(now, self._settings)
        try:
            change = await self._hub.blocking(lambda: self._box.look(self._state))
            if read_all or change.changed:
                privacy = self._link.privacy
                found = await self._hub.blocking(lambda: self._box.appointments(window, privacy))
                self._events = read_appointments(found, window, self._home, self._reader)
            readings = {self._settings.calendar: self._events, **await self._replies(window)}
        except BaseException:
            # What was announced is still to be read.
            self._announced = self._announced or announced
            raise
        self._state, self._looked = change.state, now
        return self._said.poll(readings, window, now, fresh=fresh, announced=announced)

    def _must_look(self, now: datetime) -> bool:
        return self._looked is None or now - self._looked >= RECONCILE

    async def _replies(self, window: Window) -> dict[str, Reading]:
        if not self._settings.automatic_replies:
            return {}
        try:
            told = await self._hub.blocking(self._box.replies)
        except Forbidden as error:
            # The calendar counts all the same.
            return {REPLIES: Reading((), (f"automatic replies: {error.what}",))}
        return {REPLIES: read_replies(told, window, self._reader)}
