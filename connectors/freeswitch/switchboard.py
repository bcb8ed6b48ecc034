"""Everything that one FreeSWITCH has told, and what it amounts to for each extension. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.calls import CallSeen
from connectors.facts import ReachState
from connectors.freeswitch.mapping import (
    OVER,
    Channel,
    call_of,
    channel_of,
    channels_of,
    registered_in,
    registration_of,
)
from connectors.freeswitch.session import Snapshot
from connectors.freeswitch.wire import Event


@dataclass(frozen=True, slots=True)
class Seen:
    """One extension at one moment."""

    calls: tuple[CallSeen, ...]
    reach: ReachState | None
    "None: registrations are not looked at."


class Switchboard:
    """``now`` is monotonic seconds. Ids are presence ids in lower case: ``1001@tenant.example.org``."""

    def __init__(self, registrations: bool) -> None:
        """``registrations``: whether snapshots tell them."""
        self._watches_registrations = registrations
        self._channels: dict[str, Channel] = {}
        self._registered: set[str] = set()

    def replace(self, snapshot: Snapshot) -> None:
        """Everything anew; what has been heard of since it was asked for is newer. Raises `BadData`."""
        listed = channels_of(snapshot.channels, snapshot.asked_at)
        newer = {
            unique: known for unique, known in self._channels.items() if known.heard_at > snapshot.asked_at
        }
        self._channels = {**listed, **newer}
        self._registered = registered_in(snapshot.registrations)

    def event(self, event: Event, now: float) -> set[str]:
        """Take one event. Returns the ids about which something may have changed."""
        registration = registration_of(event)
        if registration is not None:
            ids, there = registration
            self._registered = self._registered | ids if there else self._registered - ids
            return ids
        unique = event.get("unique-id")
        if not unique:
            return set()
        known = self._channels.get(unique)
        if event.name in OVER or event.get("channel-call-state").upper() == "HANGUP":
            self._channels.pop(unique, None)
            return {known.presence_id} if known is not None else set()
        if known is None and event.name not in ("CHANNEL_CREATE", "CHANNEL_CALLSTATE"):
            return set()  # a straggler of a call that is over; if it isn't, the next snapshot tells
        told = channel_of(event, now)
        if known is not None:
            told.presence_id = told.presence_id or known.presence_id
            told.state = told.state or known.state
        if event.name in ("CHANNEL_HOLD", "CHANNEL_UNHOLD"):
            told.state = "HELD" if event.name == "CHANNEL_HOLD" else "ACTIVE"
        self._channels[unique] = told
        return {told.presence_id} | ({known.presence_id} if known is not None else set())

    def domains_of(self, extension: str) -> list[str]:
        """Of which tenants an extension of that number has been heard."""
        ids = self._registered | {channel.presence_id for channel in self._channels.values()}
        parts = (each.partition("@") for each in ids)
        return sorted({domain for user, at, domain in parts if at and user == extension})

    def seen(self, ids: Iterable[str]) -> Seen:
        ids = set(ids)
        calls = tuple(
            call
            for channel in self._channels.values()
            if channel.presence_id in ids and (call := call_of(channel)) is not None
        )
        if not self._watches_registrations:
            return Seen(calls, None)
        there = bool(ids & self._registered)
        return Seen(calls, ReachState.REGISTERED if there else ReachState.OFFLINE)
