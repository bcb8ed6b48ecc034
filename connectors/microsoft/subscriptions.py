"""Change notifications as text: what Graph is asked for, what it grants, what it sends. Pure.

Sources: learn.microsoft.com/graph/change-notifications-delivery-webhooks, …-lifecycle-events, subscription resource.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from connectors.errors import BadData
from connectors.microsoft.graph import Json, objects, stamp

LASTS = timedelta(minutes=4200)
"Asked for. Graph allows 4,230 minutes for events, in newer pages more; what it grants stands in its answer."
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


def granted(answer: Json) -> tuple[str, datetime]:
    """Id and end of a subscription that Graph made or renewed. Raises `BadData`."""
    id_, expires = answer.get("id"), _moment(answer.get("expirationDateTime"))
    if not isinstance(id_, str) or not id_:
        raise BadData("Microsoft Graph made a subscription without an id")
    return id_, expires


def _moment(given: Any) -> datetime:
    try:
        # Seven decimals are one more than Python reads.
        moment = datetime.fromisoformat(str(given).partition(".")[0].rstrip("Z"))
    except ValueError:
        raise BadData("Microsoft Graph gave a subscription without an end") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
