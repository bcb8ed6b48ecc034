"""What single events and lists of FreeSWITCH mean. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.calls import CallSeen
from connectors.errors import BadData
from connectors.facts import CallState
from connectors.freeswitch.wire import Event

_STATES = {
    "DIALING": CallState.RINGING,
    "RINGING": CallState.RINGING,
    "EARLY": CallState.RINGING,
    "RING_WAIT": CallState.RINGING,
    "ACTIVE": CallState.TALKING,
    "UNHELD": CallState.TALKING,
    "HELD": CallState.HELD,
}
OVER = frozenset({"CHANNEL_DESTROY", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"})
"Any of them ends a call: each of them has been seen missing."
REGISTERED, GONE = frozenset({"sofia::register"}), frozenset({"sofia::unregister", "sofia::expire"})


@dataclass(slots=True)
class Channel:
    """One leg of a call."""

    presence_id: str
    "``1001@tenant.example.org``; empty for legs of nobody."
    state: str
    "Its call state, in capitals."
    direction: str | None = None
    "As the phone sees it: `in` or `out`."
    remote: str | None = None
    began: datetime | None = field(default=None, compare=False)
    "When it entered the state."
    heard_at: float = field(default=0.0, compare=False)
    "Monotonic."


def identity(text: str) -> str:
    """Ids are compared without regard to case, and without a scheme or parameters."""
    return text.strip().removeprefix("sip:").partition(";")[0].lower()


def channel_of(event: Event, now: float) -> Channel:
    """From any event of a channel. ``inbound`` is a call from the phone to the switch."""
    calls_out = event.get("call-direction") == "inbound"
    remote = event.get("caller-destination-number" if calls_out else "caller-caller-id-number")
    return Channel(
        identity(event.get("channel-presence-id")),
        event.get("channel-call-state").upper(),
        "out" if calls_out else "in",
        remote or None,
        _microseconds(event.get("event-date-timestamp")),
        now,
    )


def _microseconds(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(text) / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def call_of(channel: Channel) -> CallSeen | None:
    """None: it is no call yet, or none any more."""
    state = _STATES.get(channel.state)
    return None if state is None else CallSeen(state, channel.direction, channel.remote)


def channels_of(text: str, now: float) -> dict[str, Channel]:
    """``show channels as json`` → by uuid. Raises `BadData`."""
    try:
        listed: Any = json.loads(text)
        rows = listed.get("rows", [])
        return {str(row["uuid"]): _listed(row, now) for row in rows}
    except (ValueError, AttributeError, KeyError, TypeError):
        raise BadData("the list of channels is none") from None


def _listed(row: dict[str, Any], now: float) -> Channel:
    calls_out = row.get("direction") == "inbound"
    remote = row.get("dest" if calls_out else "cid_num") or None
    state = str(row.get("callstate") or "").upper()
    return Channel(
        identity(str(row.get("presence_id") or "")), state, "out" if calls_out else "in", remote, None, now
    )


def registered_in(texts: Iterable[str]) -> set[str]:
    """``sofia status profile … reg`` → who is registered: the user, at the domains that it is known by."""
    found: set[str] = set()
    for text in texts:
        user = ""
        for line in text.splitlines():
            name, colon, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            if colon and name == "user":
                user = identity(value)
                found.add(user)
            elif colon and name == "auth-realm" and user and value:
                found.add(f"{user.partition('@')[0]}@{value.lower()}")
    return found


def registration_of(event: Event) -> tuple[set[str], bool] | None:
    """(ids of the phone, is it there) from an event of sofia. None: it is another event."""
    kind = event.get("event-subclass")
    if kind not in REGISTERED | GONE:
        return None
    user = event.get("from-user") or event.get("username")
    hosts = {event.get(name).lower() for name in ("from-host", "to-host", "realm")} - {""}
    return {identity(f"{user}@{host}") for host in hosts if user}, kind in REGISTERED
