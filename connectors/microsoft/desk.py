"""What is asked of Microsoft Graph for the links of one sign-in, several mailboxes in a request where it can be."""

from datetime import datetime, timedelta

from connectors.base import Clock
from connectors.batching import Batcher
from connectors.errors import ConnectorError
from connectors.ical.window import Window
from connectors.microsoft.client import GraphClient
from connectors.microsoft.graph import (
    MOST_IN_BATCH,
    MOST_SCHEDULES,
    Json,
    Part,
    replies_path,
    schedule_body,
    user_path,
)
from connectors.microsoft.mapping import Schedule, read_schedules
from connectors.microsoft.settings import MicrosoftSettings


class Desk:
    """``personal``: signed in as the one person whose mailbox it is; there is nobody to share requests with."""

    def __init__(self, client: GraphClient, clock: Clock, *, personal: bool) -> None:
        self.client = client
        self._clock, self._personal = clock, personal
        most = 1 if personal else MOST_SCHEDULES
        self._schedules = Batcher[Schedule](self._ask_schedules, most=most, clock=clock)
        self._replies = Batcher[Json](self._ask_replies, most=1 if personal else MOST_IN_BATCH, clock=clock)
        self._past = self._ahead = timedelta(0)

    def user(self, mailbox: str) -> str:
        return user_path(None if self._personal else mailbox)

    def join(self, mailbox: str, settings: MicrosoftSettings, *, schedules: bool, replies: bool) -> None:
        """From now on this mailbox is asked for together with the others."""
        self._past, self._ahead = max(self._past, settings.past), max(self._ahead, settings.ahead)
        interval = settings.interval.total_seconds()
        if schedules:
            self._schedules.join(mailbox, interval)
        if replies:
            self._replies.join(mailbox, interval)

    def leave(self, mailbox: str) -> None:
        self._schedules.leave(mailbox)
        self._replies.leave(mailbox)

    async def schedule(self, mailbox: str, *, fresh: bool) -> tuple[Schedule, datetime]:
        """When a mailbox is free or busy, and when Graph said so."""
        return await self._schedules.get(mailbox, fresh=fresh)

    async def replies(self, mailbox: str, *, fresh: bool) -> tuple[Json, datetime]:
        """The mailbox's automatic replies, likewise."""
        return await self._replies.get(mailbox, fresh=fresh)

    async def _ask_schedules(self, mailboxes: list[str]) -> dict[str, Schedule | ConnectorError]:
        now = self._clock.now()
        window = Window(now - self._past, now + self._ahead)
        asker = mailboxes[0]
        document = await self.client.send(
            "POST",
            f"{self.user(asker)}/calendar/getSchedule",
            mailbox=asker,
            body=schedule_body(mailboxes, window),
        )
        found = read_schedules(document, window)
        return {mailbox: found[mailbox] for mailbox in mailboxes if mailbox in found}

    async def _ask_replies(self, mailboxes: list[str]) -> dict[str, Json | ConnectorError]:
        parts = [Part("GET", replies_path(self.user(mailbox))) for mailbox in mailboxes]
        answers = await self.client.several(parts, mailboxes)
        return dict(zip(mailboxes, answers, strict=True))
