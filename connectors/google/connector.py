"""One account: which calendars of it count, how they are asked, how their changes are pushed."""

from connectors.base import Context, Link, Poll
from connectors.errors import Misconfigured
from connectors.google.hub import GoogleHub
from connectors.google.push import PushedCalendars, Watched
from connectors.google.settings import GoogleSettings, Mode
from connectors.google.streams import Events, FreeBusy
from connectors.ical.fact import reader_of
from connectors.ical.read import home_zone
from connectors.pushed_calendar import NamedStream, PushedCalendar, Stream


class GoogleConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: GoogleSettings, context: Context) -> None:
        home, reader = home_zone(link.zone), reader_of(link, settings)
        self._context = context
        self._hub: GoogleHub = context.hub
        account = account_of(link, settings)
        client = self._hub.client(link, settings, context, account)
        # `primary` is whoever asks; asked for together, everybody is called by name.
        self._calendars = {
            account if calendar == "primary" else calendar: meaning
            for calendar, meaning in settings.calendars.items()
        }
        events = settings.mode is Mode.CALENDAR
        batcher = None if events else self._hub.free_busy(client, account, list(self._calendars), settings)
        only = len(self._calendars) == 1
        streams = []
        for calendar, meaning in self._calendars.items():
            stream: Stream = (
                Events(client, calendar, context.clock, home, reader)
                if batcher is None
                else FreeBusy(batcher, calendar, home, reader)
            )
            name = "" if only else meaning or calendar
            source = f"{link.connector}:{link.id}/{calendar}"
            streams.append(NamedStream(stream, source, meaning, name, required=only))
        self._push = self._hub.push if events else None
        subjects = {calendar: f"{link.id} {account} {calendar}" for calendar in self._calendars}
        pushed = PushedCalendars(self._push, tuple(subjects.values())) if self._push is not None else None
        self._polling = PushedCalendar(link, settings, context.clock, streams, pushed)
        self._watched: dict[str, Watched] = {}
        if self._push is not None:
            for calendar, subject in subjects.items():
                self._watched[subject] = Watched(client, calendar, self._told)
                self._push.watch(subject, self._watched[subject])

    def _told(self) -> None:
        if self._polling.told():
            self._context.poll_now()

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        return await self._polling.poll(fresh=fresh)

    async def close(self) -> None:
        """Others do not ask for these calendars any more."""
        self._hub.leave(list(self._calendars))
        if self._push is not None:
            for subject, watched in self._watched.items():
                self._push.unwatch(subject, watched)


def account_of(link: Link, settings: GoogleSettings) -> str:
    """Whose calendars they are: an address, in lower case."""
    account = settings.account or (link.addresses[0] if link.addresses else "")
    if not account or "{" in account:
        raise Misconfigured(
            "it is not known which Google account is meant",
            advice="Give the person an e-mail address, or the link an account.",
        )
    return account.lower()
