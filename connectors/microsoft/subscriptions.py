"""Change notifications: which subscriptions there are, which are missing or about to end, and what Microsoft sends.
Pure.

Sources: learn.microsoft.com/graph/change-notifications-delivery-webhooks, …-lifecycle-events, subscription resource.
"""

import hmac
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from connectors.errors import BadData
from connectors.microsoft.graph import Json, objects, stamp

LASTS = timedelta(minutes=4200)
"Asked for. Graph allows 4,230 minutes for events, in newer pages more; what it grants stands in its answer."
RETRY = timedelta(minutes=1)
"After a first refusal; doubling."
LONGEST_RETRY = timedelta(hours=1)
MOST_NOTICES = 1000
"In one request."


class Sent(StrEnum):
    """What a notice is about."""

    CHANGE = "change"
    REAUTHORIZE = "reauthorizationRequired"
    REMOVED = "subscriptionRemoved"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One entry of a changeNotificationCollection."""

    subscription: str
    client_state: str = field(repr=False)
    sent: Sent


@dataclass(frozen=True, slots=True)
class Subscription:
    """One that Graph keeps for us."""

    id: str
    mailbox: str
    client_state: str = field(repr=False)
    renew_at: datetime
    expires: datetime


@dataclass(slots=True)
class Refused:
    """How often Graph would not, and when it is asked again."""

    times: int
    again: datetime
    words: str


@dataclass(slots=True)
class Ledger:
    """The subscriptions of one entry, by mailbox."""

    held: dict[str, Subscription] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    _mailboxes: dict[str, str] = field(default_factory=dict)
    "By the subscription's id."

    def __post_init__(self) -> None:
        self._mailboxes.update({held.id: held.mailbox for held in self.held.values()})

    def covers(self, mailbox: str, now: datetime) -> bool:
        """Is a change of this mailbox pushed to us?"""
        held = self.held.get(mailbox)
        return held is not None and now < held.expires

    def missing(self, mailboxes: Iterable[str], now: datetime) -> list[str]:
        """For whom one has to be made now."""
        return [
            mailbox for mailbox in mailboxes if not self.covers(mailbox, now) and self._may_try(mailbox, now)
        ]

    def worn(self, now: datetime) -> list[Subscription]:
        """Which have to be renewed now."""
        return [
            held
            for held in self.held.values()
            if held.renew_at <= now < held.expires and self._may_try(held.mailbox, now)
        ]

    def granted(self, mailbox: str, client_state: str, answer: Json, now: datetime) -> None:
        """Graph made or renewed one. Half of what is left is the time to renew it. Raises `BadData`."""
        id_, expires = answer.get("id"), _moment(answer.get("expirationDateTime"))
        if not isinstance(id_, str) or not id_:
            raise BadData("Microsoft Graph made a subscription without an id")
        renew_at = now + (expires - now) / 2
        self.gone(mailbox)
        self._mailboxes[id_] = mailbox
        self.held[mailbox] = Subscription(id_, mailbox, client_state, renew_at, expires)
        self.refused.pop(mailbox, None)

    def not_granted(self, mailbox: str, words: str, now: datetime) -> None:
        times = self.refused[mailbox].times + 1 if mailbox in self.refused else 1
        wait = min(RETRY * 2 ** min(times - 1, 10), LONGEST_RETRY)
        self.refused[mailbox] = Refused(times, now + wait, words)

    def gone(self, mailbox: str) -> None:
        """Graph has it no more."""
        held = self.held.pop(mailbox, None)
        if held is not None:
            self._mailboxes.pop(held.id, None)

    def due_now(self, mailbox: str, now: datetime) -> None:
        """It has to be renewed at once."""
        held = self.held.get(mailbox)
        if held is not None:
            self.held[mailbox] = Subscription(held.id, mailbox, held.client_state, now, held.expires)

    def sender(self, notice: Notice) -> str | None:
        """The mailbox that a notice speaks of; None when we do not know it, or it does not know the secret."""
        held = self.held.get(self._mailboxes.get(notice.subscription, ""))
        known = held.client_state if held is not None else "\0"
        fits = hmac.compare_digest(notice.client_state.encode(), known.encode())
        return held.mailbox if held is not None and fits else None

    def written(self) -> str:
        """To be kept over a restart; holds secrets."""
        return json.dumps(
            [
                {**asdict(held), "renew_at": stamp(held.renew_at), "expires": stamp(held.expires)}
                for held in self.held.values()
            ]
        )

    @classmethod
    def read(cls, text: str) -> "Ledger":
        """What `written` gave; what cannot be read is forgotten."""
        held: dict[str, Subscription] = {}
        try:
            for one in objects(json.loads(text)):
                mailbox = str(one["mailbox"])
                times = (_moment(one["renew_at"]), _moment(one["expires"]))
                held[mailbox] = Subscription(str(one["id"]), mailbox, str(one["client_state"]), *times)
        except (ValueError, KeyError, BadData):
            return cls()
        return cls(held)

    def _may_try(self, mailbox: str, now: datetime) -> bool:
        refused = self.refused.get(mailbox)
        return refused is None or refused.again <= now


def wanted(resource: str, url: str, client_state: str, now: datetime) -> Json:
    """Body of POST /subscriptions."""
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": url,
        "lifecycleNotificationUrl": url,
        "resource": resource,
        "expirationDateTime": stamp(now + LASTS),
        "clientState": client_state,
    }


def renewed(now: datetime) -> Json:
    """Body of PATCH /subscriptions/{id}: renews and authorizes anew."""
    return {"expirationDateTime": stamp(now + LASTS)}


def read_notices(body: bytes) -> list[Notice]:
    """From what Graph posts. Raises `BadData`."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BadData("the notification is not JSON") from None
    entries = document.get("value") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_NOTICES:
        raise BadData("the notification holds no list of changes")
    found = []
    for entry in objects(entries):
        life = entry.get("lifecycleEvent")
        try:
            sent = Sent(life) if life else Sent.CHANGE
        except ValueError:
            # An event that is newer than we are: look at the calendar.
            sent = Sent.MISSED
        state = entry.get("clientState")
        found.append(
            Notice(str(entry.get("subscriptionId") or ""), state if isinstance(state, str) else "", sent)
        )
    return found


def _moment(given: Any) -> datetime:
    try:
        # Seven decimals are one more than Python reads.
        moment = datetime.fromisoformat(str(given).partition(".")[0].rstrip("Z"))
    except ValueError:
        raise BadData("Microsoft Graph gave a subscription without an end") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
