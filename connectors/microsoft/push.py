"""Change notifications for the links of one entry: asks for subscriptions, keeps them alive, and takes what is sent.

A notification carries no data that counts: it says that a mailbox has to be looked at. So a forged one could only
make us look, and even that needs the subscription's secret.
"""

import logging
import secrets
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Clock
from connectors.errors import ConnectorError, NotFound, Unreachable
from connectors.ingress import Received, Reply
from connectors.microsoft.client import GraphClient
from connectors.microsoft.graph import MOST_IN_BATCH, Part
from connectors.microsoft.subscriptions import Sent, granted, read_notices, renewed, wanted
from connectors.push_ledger import Promise, PushLedger

log = logging.getLogger(__name__)

LEDGER = "microsoft-subscriptions"
"Key in `Context.secrets`."
MOST_TOKEN = 2048
"Characters of a validation token that is given back."


@dataclass(frozen=True, slots=True)
class PushedMailbox:
    """A `connectors.pushed_calendar.Pushed`."""

    push: "Push"
    mailbox: str

    def covers(self) -> bool:
        return self.push.covers(self.mailbox)

    def trouble(self) -> str | None:
        return self.push.trouble(self.mailbox)


@dataclass(frozen=True, slots=True)
class Watched:
    """A mailbox of which changes are wanted."""

    client: GraphClient
    resource: str
    "For the subscription: `users/{id}/events` or `me/events`."
    changed: Callable[[], None]
    "Look at it now."


class Push:
    """``url``: where Microsoft reaches us. ``soon``: called when `tend` has something to do before its time."""

    def __init__(
        self, url: str, secrets: MutableMapping[str, str], clock: Clock, soon: Callable[[], None]
    ) -> None:
        self._url, self._secrets, self._clock, self._soon = url, secrets, clock, soon
        self._ledger = PushLedger.read(secrets.get(LEDGER, "[]"))
        self._watched: dict[str, Watched] = {}

    def watch(self, mailbox: str, watched: Watched) -> None:
        self._watched[mailbox] = watched
        self._soon()

    def unwatch(self, mailbox: str) -> None:
        """Its subscription runs out by itself: the service may only be starting anew."""
        self._watched.pop(mailbox, None)

    def covers(self, mailbox: str) -> bool:
        return self._ledger.covers(mailbox, self._clock.now())

    def trouble(self, mailbox: str) -> str | None:
        """Why changes of a mailbox are not pushed, if Graph has refused."""
        refused = self._ledger.refused.get(mailbox)
        return refused.words if refused is not None else None

    # -- keeping subscriptions ----------------------------------------------------------------------------

    async def tend(self) -> None:
        """Make what is missing and renew what is worn, as far as Graph lets us."""
        now = self._clock.now()
        before = self._ledger.written()
        missing = self._ledger.missing(self._watched, now)
        worn = [held for held in self._ledger.worn(now) if held.subject in self._watched]
        by_client: dict[int, list[Promise]] = {}
        for held in worn:
            by_client.setdefault(id(self._watched[held.subject].client), []).append(held)
        for group in by_client.values():
            for first in range(0, len(group), MOST_IN_BATCH):
                await self._renew(group[first : first + MOST_IN_BATCH], now)
        for mailbox in missing:
            if mailbox in self._watched:  # else it has gone meanwhile
                await self._make(mailbox, self._watched[mailbox], now)
        written = self._ledger.written()
        if written != before:
            self._secrets[LEDGER] = written

    async def _make(self, mailbox: str, watched: Watched, now: datetime) -> None:
        client_state = secrets.token_urlsafe(32)
        body = wanted(watched.resource, self._url, client_state, now)
        try:
            answer = await watched.client.send("POST", "/subscriptions", mailbox=mailbox, body=body)
            id_, expires = granted(answer)
            self._ledger.granted(mailbox, id_, client_state, expires, now)
        except ConnectorError as error:
            self._refused(mailbox, error, now)
        else:
            # What changed before it was there is not pushed.
            watched.changed()

    async def _renew(self, group: list[Promise], now: datetime) -> None:
        client = self._watched[group[0].subject].client
        parts = [Part("PATCH", f"/subscriptions/{held.id}", renewed(now)) for held in group]
        try:
            answers = await client.batch(parts, [held.subject for held in group])
        except ConnectorError as error:
            for held in group:
                self._refused(held.subject, error, now)
            return
        for held, answer in zip(group, answers, strict=True):
            try:
                if isinstance(answer, ConnectorError):
                    raise answer
                _, expires = granted({"id": held.id, **answer})
                self._ledger.granted(held.subject, held.id, held.secret, expires, now)
            except NotFound:
                self._ledger.gone(held.subject)
                self._soon()
            except ConnectorError as error:
                self._refused(held.subject, error, now)

    def _refused(self, mailbox: str, error: ConnectorError, now: datetime) -> None:
        if self._ledger.refused.get(mailbox) is None and not isinstance(error, Unreachable):
            log.warning("changes of a mailbox are not pushed: %s", error.words)
        self._ledger.not_granted(mailbox, error.what, now)

    # -- what Microsoft sends -----------------------------------------------------------------------------

    def receive(self, request: Received) -> Reply:
        """Handshakes, changes, and events in a subscription's life. Answered at once; the looking comes after."""
        token = request.parameter("validationToken")
        if token is not None:
            if len(token) > MOST_TOKEN:
                return Reply(400)
            return Reply(200, token.encode(), "text/plain")
        now, strangers = self._clock.now(), 0
        changed: set[str] = set()
        for notice in read_notices(request.body):
            mailbox = self._ledger.sender(notice.subscription, notice.client_state)
            if mailbox is None:
                strangers += 1
                continue
            if notice.sent is Sent.REAUTHORIZE:
                self._ledger.due_now(mailbox, now)
                self._soon()
                continue
            if notice.sent is Sent.REMOVED:
                self._ledger.gone(mailbox)
                self._soon()
            changed.add(mailbox)
        for mailbox in changed & self._watched.keys():
            self._watched[mailbox].changed()
        if strangers:
            log.info("%d notification(s) of subscriptions that are not ours were ignored", strangers)
        return Reply(202)
