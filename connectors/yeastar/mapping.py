"""Yeastar's events. Pure. The message is a JSON text inside of JSON."""

import json
from dataclasses import dataclass
from typing import Any

from connectors.calls import CallSeen
from connectors.errors import BadData
from connectors.facts import CallState

CALL_STATE, PRESENCE = 30008, 30009
STATES = {
    "idle": CallState.IDLE,
    "ringing": CallState.RINGING,
    "busy": CallState.TALKING,
    "hold": CallState.HELD,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event about one extension."""

    extension: str
    calls: tuple[CallSeen, ...] | None = None
    "All it has. None: it is not about calls."
    presence: str | None = None
    "What was chosen: `available`, `away`, `business_trip`, `do_not_disturb`, `lunch`, `off_work`."


def event(body: bytes) -> Event | None:
    """None: an event about something else, or a test. Raises BadData."""
    document = _object(body)
    kind = document.get("type")
    if kind not in (CALL_STATE, PRESENCE):
        return None
    inner = document.get("msg")
    message = _object(inner.encode()) if isinstance(inner, str) else inner
    if not isinstance(message, dict):
        raise BadData("`msg` is neither an object nor one in a text")
    extension, status = message.get("extension"), message.get("status")
    if not isinstance(extension, str | int) or isinstance(extension, bool) or not isinstance(status, str):
        raise BadData("`extension` or `status` is missing")
    if kind == PRESENCE:
        return Event(str(extension), presence=status.lower())
    state = STATES.get(status.lower())
    if state is None:
        raise BadData(f"the call status “{status[:40]}” is not known")
    return Event(str(extension), () if state is CallState.IDLE else (CallSeen(state),))


def _object(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BadData("not JSON") from None
    if not isinstance(document, dict):
        raise BadData("not an object")
    return document
