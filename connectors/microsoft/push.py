"""Change notifications for the links of one entry: asks for subscriptions, keeps them alive, and takes what is sent.

A notification carries no data that counts: it says that a mailbox has to be looked at. So a forged one could only
make us look, and even that needs the subscription's secret.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Clock
from connectors.errors import ConnectorError, NotFound, Unreachable
from connectors.ingress import Received, Reply
from connectors.microsoft.client import GraphClient
from connectors.microsoft.graph import MOST_IN_BATCH, Json, Part
from connectors.microsoft.subscriptions import Sent, granted, read_notices, renewed, wanted
from connectors.push_ledger import Promise, PushLedger

log = logging.getLogger(__name__)

LEDGER = "microsoft-subscriptions"
"Key in `Context.secrets`."
MOST_TOKEN = 2048
"Characters of a validation token that is given back."


GRACE = 60.0
"Seconds after which a subscription that nobody wants any more is taken back: a link that changes is made anew."
MADE_TOGETHER = 4
"Subscriptions in one $batch: Graph waits up to ten seconds for each handshake."


@dataclass(frozen=True, slots=True)
class Watched:
    """A mailbox of which changes are wanted, by one link."""

    client: GraphClient
    mailbox: str
    resource: str
    "For the subscription: `users/{id}/events` or `me/events`."
    changed: Callable[[], None]
    "Look at it now."


@dataclass(frozen=True, slots=True)
class PushedMailbox:
    """A `connectors.pushed_calendar.Pushed`."""

    push: "Push"
    subject: str

    def covers(self) -> bool:
        return self.push.covers(self.subject)

    def trouble(self) -> str | None:
        return self.push.trouble(self.subject)


class Push:
    """``url``: where Microsoft reaches us. ``soon``: called when `tend` has something to do before its time.
    ``client``: the application's own, if there is one. Subjects are names for a link's mailbox."""

    def __init__(
        self,
        url: str,
        secrets: MutableMapping[str, str],
        clock: Clock,
        soon: Callable[[], None],
        client: GraphClient | None,
    ) -> None:
        self._url, self._secrets, self._clock, self._soon, self._client = url, secrets, clock, soon, client
        self._ledger = PushLedger.read(secrets.get(LEDGER, "[]"))
        self._watched: dict[str, Watched] = {}
        self._left: dict[str, tuple[GraphClient | None, float]] = {
            held.subject: (client, clock.monotonic()) for held in self._ledger.held.values()
        }
        "Subjects that are watched no more: who could take the subscription back, and since when."

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
        """Why changes are not pushed, if Graph has refused."""
        refused = self._ledger.refused.get(subject)
        return refused.words if refused is not None else None

    # -- keeping subscriptions ----------------------------------------------------------------------------

    async def tend(self) -> None:
        """Make what is missing, renew what is worn and take back what nobody wants, as far as Graph lets us."""
        now = self._clock.now()
        before = self._ledger.written()
        self._ledger.forget_ended(now)
        worn = [held.subject for held in self._ledger.worn(now) if held.subject in self._watched]
        for group in self._groups(worn, MOST_IN_BATCH):
            await self._renew([self._ledger.held[subject] for subject in group], now)
        for group in self._groups(self._ledger.missing(self._watched, now), MADE_TOGETHER):
            await self._make(group, now)
        for held in self._ledger.orphans(self._watched):
            client, since = self._left.get(held.subject, (self._client, 0.0))
            if self._clock.monotonic() - since >= GRACE:
                await self._take_back(held, client)
        written = self._ledger.written()
        if written != before:
            self._secrets[LEDGER] = written

    def _groups(self, subjects: Iterable[str], most: int) -> list[list[str]]:
        """Subjects of one client each, so many at a time."""
        by_client: dict[int, list[str]] = {}
        for subject in subjects:
            by_client.setdefault(id(self._watched[subject].client), []).append(subject)
        return [
            group[first : first + most]
            for group in by_client.values()
            for first in range(0, len(group), most)
        ]

    async def _make(self, subjects: list[str], now: datetime) -> None:
        states = {subject: secrets.token_urlsafe(32) for subject in subjects if subject in self._watched}
        parts = [
            Part("POST", "/subscriptions", wanted(self._watched[subject].resource, self._url, state, now))
            for subject, state in states.items()
        ]
        for subject, id_, expires in await self._ask(dict.fromkeys(states, ""), parts, now):
            self._ledger.granted(subject, id_, states[subject], expires, now)
            if subject in self._watched:
                # What changed before it was there is not pushed.
                self._watched[subject].changed()

    async def _renew(self, group: list[Promise], now: datetime) -> None:
        held = {one.subject: one for one in group if one.subject in self._watched}
        parts = [Part("PATCH", f"/subscriptions/{one.id}", renewed(now)) for one in held.values()]
        ids = {subject: one.id for subject, one in held.items()}
        for subject, id_, expires in await self._ask(ids, parts, now):
            self._ledger.granted(subject, id_, held[subject].secret, expires, now)

    async def _ask(
        self, ids: dict[str, str], parts: list[Part], now: datetime
    ) -> list[tuple[str, str, datetime]]:
        """What Graph granted: subject, id, end; what it refused is noted. ``ids``: by subject, as far as known."""
        if not ids:
            return []
        watched = [self._watched[subject] for subject in ids]
        answers: list[Json | ConnectorError]
        try:
            answers = await watched[0].client.several(parts, [one.mailbox for one in watched])
        except ConnectorError as error:
            answers = [error] * len(ids)
        found: list[tuple[str, str, datetime]] = []
        for (subject, known), answer in zip(ids.items(), answers, strict=True):
            try:
                if isinstance(answer, ConnectorError):
                    raise answer
                found.append((subject, *granted({"id": known, **answer})))
            except NotFound as error:
                if not known:
                    self._refused(subject, error, now)
                self._ledger.gone(subject)
                self._soon()
            except ConnectorError as error:
                self._refused(subject, error, now)
        return found

    def _refused(self, subject: str, error: ConnectorError, now: datetime) -> None:
        if subject not in self._ledger.refused and not isinstance(error, Unreachable):
            log.warning("changes of a mailbox are not pushed: %s", error.words)
        self._ledger.not_granted(subject, error.what, now)

    async def _take_back(self, held: Promise, client: GraphClient | None) -> None:
        self._left.pop(held.subject, None)
        self._ledger.gone(held.subject)
        if client is None:
            return
        try:
            await client.send("DELETE", f"/subscriptions/{held.id}", mailbox="")
        except ConnectorError:
            log.debug("a subscription could not be taken back; it ends by itself")

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
            subject = self._ledger.sender(notice.subscription, notice.client_state)
            if subject is None:
                strangers += 1
                continue
            if notice.sent is Sent.REAUTHORIZE:
                self._ledger.due_now(subject, now)
                self._soon()
                continue
            if notice.sent is Sent.REMOVED:
                self._ledger.gone(subject)
                self._soon()
            changed.add(subject)
        for subject in changed & self._watched.keys():
            self._watched[subject].changed()
        if strangers:
            log.info("%d notification(s) of subscriptions that are not ours were ignored", strangers)
        return Reply(202)
