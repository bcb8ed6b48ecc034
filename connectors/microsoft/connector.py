"""Polls one mailbox. While its changes are pushed, it is asked for its own sake only now and then."""

from datetime import datetime

from connectors.base import Context, Link, Poll
from connectors.errors import BadData, Forbidden, Misconfigured, NotFound
from connectors.facts import Fact
from connectors.ical.fact import calendar_fact, reader_of
from connectors.ical.read import Reading, home_zone
from connectors.ical.window import Window, wears_out, window_at
from connectors.microsoft.hub import MicrosoftHub
from connectors.microsoft.push import Watched
from connectors.microsoft.settings import MicrosoftSettings, Mode
from connectors.microsoft.streams import AutomaticReplies, Events, FreeBusy, Stream


class MicrosoftConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: MicrosoftSettings, context: Context) -> None:
        home, reader = home_zone(link.zone), reader_of(link, settings)
        self._link, self._settings, self._context = link, settings, context
        self._hub: MicrosoftHub = context.hub
        self._mailbox = mailbox_of(link, settings)
        self._desk = self._hub.desk(link, settings, context)
        events = settings.mode is Mode.CALENDAR
        self._desk.join(self._mailbox, settings, schedules=not events, replies=settings.automatic_replies)
        self._calendar: Stream = (
            Events(self._desk, self._mailbox, context.clock, home, reader)
            if events
            else FreeBusy(self._desk, self._mailbox, home, reader)
        )
        self._replies: Stream | None = (
            AutomaticReplies(self._desk, self._mailbox, reader) if settings.automatic_replies else None
        )
        self._push = self._hub.push if events else None
        if self._push is not None:
            resource = f"{self._desk.user(self._mailbox).removeprefix('/')}/events"
            self._push.watch(self._mailbox, Watched(self._desk.client, resource, self._told))
        self._announced = False
        "Microsoft said that something has changed."
        self._asked: datetime | None = None
        "When Graph last said how the calendar is."
        self._settled = False
        "The last look was for its own sake. A change may be told before it can be seen."
        self._wears_out: datetime | None = None
        self._facts: dict[str, Fact] = {}
        self._problems: dict[str, tuple[str, ...]] = {}

    def _told(self) -> None:
        self._announced = True
        self._context.poll_now()

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        now = self._context.clock.now()
        announced, self._announced = self._announced, False
        worn = self._wears_out is None or now >= self._wears_out
        if self._asked is not None and not (fresh or announced or worn) and self._may_rest(now):
            return Poll(self._asked, None, self._every_problem())
        window = window_at(now, self._settings)
        try:
            reading, self._asked = await self._calendar.look(window, fresh=fresh, anew=announced or worn)
        except BaseException:
            self._announced = self._announced or announced
            raise
        self._settled = not announced
        changed = self._took(self._source(), reading, window, self._asked)
        unheard: frozenset[str] = frozenset()
        if self._replies is not None:
            source = self._source("automatic-replies")
            try:
                reading, at = await self._replies.look(window, fresh=fresh, anew=worn)
                changed = self._took(source, reading, window, at) or changed
            except (Forbidden, NotFound, BadData) as error:
                # The calendar counts without them.
                unheard = frozenset({source})
                self._problems[source] = (f"automatic replies: {error.words}",)
        if worn:
            self._wears_out = wears_out(window, self._settings)
        facts = tuple(fact for source, fact in self._facts.items() if source not in unheard)
        return Poll(self._asked, facts if changed else None, self._every_problem(), unheard, announced)

    def _may_rest(self, now: datetime) -> bool:
        if self._push is None or self._asked is None or not self._settled:
            return False
        longest = min(self._settings.reconcile, self._settings.stale_after / 2)
        return self._push.covers(self._mailbox) and now - self._asked < longest

    def _took(self, source: str, reading: Reading | None, window: Window, at: datetime) -> bool:
        """Keep what was said. False: nothing was."""
        if reading is None:
            return False
        meaning = self._settings.calendar if source == self._source() else "automatic replies"
        self._facts[source] = calendar_fact(
            [reading], link=self._link, source=source, meaning=meaning, window=window, now=at
        )
        self._problems[source] = reading.problems
        return True

    def _source(self, stream: str = "") -> str:
        base = f"{self._link.connector}:{self._link.id}"
        return f"{base}/{stream}" if stream else base

    def _every_problem(self) -> tuple[str, ...]:
        found = [problem for problems in self._problems.values() for problem in problems]
        trouble = self._push.trouble(self._mailbox) if self._push is not None else None
        if trouble is not None:
            found.append(f"changes are not pushed but asked for: {trouble}")
        return tuple(found)

    async def close(self) -> None:
        """Others do not ask for this mailbox any more."""
        self._desk.leave(self._mailbox)
        if self._push is not None:
            self._push.unwatch(self._mailbox)


def mailbox_of(link: Link, settings: MicrosoftSettings) -> str:
    """Whose calendar it is; in lower case, as answers are matched with questions by it."""
    mailbox = settings.mailbox or (link.addresses[0] if link.addresses else "")
    if not mailbox or "{" in mailbox:
        raise Misconfigured(
            "it is not known which mailbox is meant",
            advice="Give the person an e-mail address, or the link a mailbox.",
        )
    return mailbox.lower()
