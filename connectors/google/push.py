"""Push notifications for the links of one entry: opens channels, opens the next before one ends, takes what is sent.

A notification has no body: it says that a calendar has to be looked at. It is believed with the channel's secret.
Source: developers.google.com/workspace/calendar/api/guides/push.
"""

import logging
import secrets
import uuid
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Clock
from connectors.errors import ConnectorError, Unreachable
from connectors.google.calendar_api import STOP_PATH, channel_body, read_channel, watch_path
from connectors.google.client import GoogleClient
from connectors.ingress import Received, Reply
from connectors.push_ledger import Promise, PushLedger

log = logging.getLogger(__name__)

LEDGER = "google-channels"
"Key in `Context.secrets`."
GRACE = 60.0
"Seconds after which a channel that nobody wants any more is closed: a link that changes is made anew."


@dataclass(frozen=True, slots=True)
class Watched:
    """A calendar of which changes are wanted."""

    client: GoogleClient
    calendar: str
    changed: Callable[[], None]
    "Look at it now."


@dataclass(frozen=True, slots=True)
class PushedCalendars:
    """A `connectors.pushed_calendar.Pushed`: all calendars of one account."""

    push: "Push"
    subjects: tuple[str, ...]

    def covers(self) -> bool:
        return all(self.push.covers(subject) for subject in self.subjects)

    def trouble(self) -> str | None:
        return next((words for subject in self.subjects if (words := self.push.trouble(subject))), None)


class Push:
    """``url``: where Google reaches us. ``soon``: called when `tend` has something to do before its time. Subjects are
    names for a link's calendar."""

    def __init__(
        self, url: str, secrets: MutableMapping[str, str], clock: Clock, soon: Callable[[], None]
    ) -> None:
        self._url, self._secrets, self._clock, self._soon = url, secrets, clock, soon
        self._ledger = PushLedger.read(secrets.get(LEDGER, "[]"))
        self._watched: dict[str, Watched] = {}
        self._left: dict[str, tuple[GoogleClient, float]] = {}
        "Subjects that are watched no more: who could close the channel, and since when."

    def watch(self, subject: str, watched: Watched) -> None:
        self._watched[subject] = watched
        self._left.pop(subject, None)
        self._soon()

    def unwatch(self, subject: str, watched: Watched) -> None:
        """Unless another has taken its place: a link that changes is made anew before the old one is closed."""
        if self._watched.get(subject) is watched:
            del self._watched[subject]
            self._left[subject] = (watched.client, self._clock.monotonic())

    def covers(self, subject: str) -> bool:
        return self._ledger.covers(subject, self._clock.now())

    def trouble(self, subject: str) -> str | None:
        """Why changes are not pushed, if Google has refused."""
        refused = self._ledger.refused.get(subject)
        return refused.words if refused is not None else None

    async def tend(self) -> None:
        """Open what is missing, the next of what is worn, and close what nobody wants."""
        now = self._clock.now()
        before = self._ledger.written()
        self._ledger.forget_ended(now)
        for held in self._ledger.worn(now):
            if held.subject in self._watched:
                await self._open(held.subject, self._watched[held.subject], now, instead_of=held)
        for subject in self._ledger.missing(self._watched, now):
            if subject in self._watched:  # else it has gone meanwhile
                await self._open(subject, self._watched[subject], now)
        for subject, (client, since) in tuple(self._left.items()):
            if self._clock.monotonic() - since >= GRACE:
                del self._left[subject]
                await self._close(subject, client)
        written = self._ledger.written()
        if written != before:
            self._secrets[LEDGER] = written

    async def _open(
        self, subject: str, watched: Watched, now: datetime, instead_of: Promise | None = None
    ) -> None:
        id_, token = str(uuid.uuid4()), secrets.token_urlsafe(32)
        body = channel_body(id_, self._url, token)
        try:
            resource, expires = read_channel(
                await watched.client.send("POST", watch_path(watched.calendar), body)
            )
        except ConnectorError as error:
            if subject not in self._ledger.refused and not isinstance(error, Unreachable):
                log.warning("changes of a calendar are not pushed: %s", error.words)
            self._ledger.not_granted(subject, error.what, now)
            return
        self._ledger.granted(subject, id_, token, expires, now, extra=resource)
        if instead_of is None:
            # What changed before it was there is not pushed.
            watched.changed()
            return
        await self._stop(instead_of, watched.client)

    async def _close(self, subject: str, client: GoogleClient) -> None:
        held = self._ledger.held.get(subject)
        self._ledger.gone(subject)
        if held is not None:
            await self._stop(held, client)

    async def _stop(self, held: Promise, client: GoogleClient) -> None:
        try:
            await client.send("POST", STOP_PATH, {"id": held.id, "resourceId": held.extra})
        except ConnectorError:
            log.debug("a channel could not be closed; it ends by itself")

    def receive(self, request: Received) -> Reply:
        """A `sync` when a channel opens, then a message for each change. Answered at once."""
        shown = request.headers.get
        if shown("x-goog-resource-state") == "sync":
            return Reply(200)
        subject = self._ledger.sender(shown("x-goog-channel-id", ""), shown("x-goog-channel-token", ""))
        if subject is None:
            # Perhaps one that was sent before its channel was closed.
            log.info("a notification of a channel that is not ours was ignored")
        elif subject in self._watched:
            self._watched[subject].changed()
        return Reply(200)
