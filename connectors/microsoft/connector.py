"""One mailbox: which streams it has, how it is asked, how its changes are pushed."""

from connectors.base import Context, Link, Poll, Surveyed
from connectors.errors import Misconfigured
from connectors.ical.fact import reader_of
from connectors.ical.read import home_zone
from connectors.microsoft.calendars import Calendars
from connectors.microsoft.hub import MicrosoftHub
from connectors.microsoft.push import PushedMailbox, Watched
from connectors.microsoft.settings import MicrosoftSettings, Mode
from connectors.microsoft.streams import AutomaticReplies, Events, FreeBusy
from connectors.pushed_calendar import NamedStream, PushedCalendar


class MicrosoftConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: MicrosoftSettings, context: Context) -> None:
        home, reader = home_zone(link.zone), reader_of(link, settings)
        self._context = context
        hub: MicrosoftHub = context.hub
        self._mailbox = mailbox_of(link, settings)
        self._desk = hub.desk(link, settings, context)
        events = settings.mode is Mode.CALENDAR
        self._desk.join(self._mailbox, settings, schedules=not events, replies=settings.automatic_replies)
        source = f"{link.connector}:{link.id}"
        self._calendars = Calendars(self._desk, self._mailbox, settings)
        streams = [
            NamedStream(
                Events(self._desk, self._mailbox, self._calendars.primary(), context.clock, home, reader)
                if events
                else FreeBusy(self._desk, self._mailbox, home, reader),
                source,
                settings.calendar,
            )
        ]
        for name, meaning in settings.calendars.items():
            further = Events(
                self._desk, self._mailbox, self._calendars.named(name), context.clock, home, reader
            )
            streams.append(NamedStream(further, f"{source}/{name}", meaning, name, required=False))
        if settings.automatic_replies:
            name = "automatic replies"
            replies = AutomaticReplies(self._desk, self._mailbox, reader)
            streams.append(NamedStream(replies, f"{source}/automatic-replies", name, name, required=False))
        self._push = hub.push if events else None
        self._subject = f"{link.id} {self._mailbox}"
        pushed = None
        if self._push is not None and not settings.calendars:
            pushed = PushedMailbox(self._push, self._subject)
        self._polling = PushedCalendar(link, settings, context.clock, streams, pushed)
        if self._push is not None:
            resource = f"{self._desk.user(self._mailbox).removeprefix('/')}/events"
            self._watched = Watched(self._desk.client, self._mailbox, resource, self._told)
            self._push.watch(self._subject, self._watched)

    def _told(self) -> None:
        if self._polling.told():
            self._context.poll_now()

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        return await self._polling.poll(fresh=fresh)

    async def survey(self) -> tuple[Surveyed, ...]:
        """See `connectors.base.Surveys.survey`."""
        return await self._calendars.survey()

    async def close(self) -> None:
        """Others do not ask for this mailbox any more."""
        self._desk.leave(self._mailbox)
        if self._push is not None:
            self._push.unwatch(self._subject, self._watched)


def mailbox_of(link: Link, settings: MicrosoftSettings) -> str:
    """Whose calendar it is; in lower case, as answers are matched with questions by it."""
    mailbox = settings.mailbox or (link.addresses[0] if link.addresses else "")
    if not mailbox or "{" in mailbox:
        raise Misconfigured(
            "it is not known which mailbox is meant",
            advice="Give the person an e-mail address, or the link a mailbox.",
        )
    return mailbox.lower()
