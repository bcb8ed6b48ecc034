"""RingCentral's presence notifications. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.calls import CallSeen
from connectors.errors import BadData
from connectors.facts import CallState

STATES = {
    "NoCall": CallState.IDLE,
    "Ringing": CallState.RINGING,
    "CallConnected": CallState.TALKING,
    "OnHold": CallState.HELD,
    "ParkedCall": CallState.HELD,
}
DIRECTIONS = {"Inbound": "in", "Outbound": "out"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification about one extension."""

    extension_id: str
    subscription: str
    sequence: int | None
    "Rises with each notification of a subscription."
    at: datetime
    calls: tuple[CallSeen, ...] | None
    "All it has. None: something else has changed, such as what was chosen."


def notice(body: bytes, now: datetime) -> Notice | None:
    """None: a notification about something else. Raises BadData."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BadData("not JSON") from None
    inner = document.get("body") if isinstance(document, dict) else None
    if not isinstance(inner, dict):
        raise BadData("no `body`")
    extension = inner.get("extensionId")
    if "presence" not in str(document.get("event", "presence")) or extension is None:
        return None
    sequence = inner.get("sequence")
    return Notice(
        str(extension),
        str(document.get("subscriptionId", "")),
        sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else None,
        min(_time(document.get("timestamp")) or now, now),
        _calls(inner),
    )


def _calls(body: dict[str, Any]) -> tuple[CallSeen, ...] | None:
    """Detailed notifications list the calls; the others have one state for all of them, if it has changed."""
    active = body.get("activeCalls")
    if isinstance(active, list) and active:
        return tuple(call for call in map(_call, active) if call is not None)
    status = body.get("telephonyStatus")
    if status is None:
        return () if active == [] else None
    return _of_status(status)


def _of_status(status: object) -> tuple[CallSeen, ...]:
    state = STATES.get(str(status))
    if state is None:
        raise BadData(f"the telephony status “{str(status)[:40]}” is not known")
    return () if state is CallState.IDLE else (CallSeen(state),)


def _call(active: object) -> CallSeen | None:
    if not isinstance(active, dict):
        raise BadData("a call is not an object")
    state = STATES.get(str(active.get("telephonyStatus")))
    if state is None or state is CallState.IDLE:
        return None
    direction = DIRECTIONS.get(str(active.get("direction")))
    remote = active.get("to" if direction == "out" else "from")
    return CallSeen(state, direction, remote if isinstance(remote, str) else None)


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
