"""Calls and registrations as phones and PBXs tell them, made into the values of facts. Pure.

Shared by the connectors of telephony: which of several calls counts, since when, and how long a phone must have been
gone before it is said to be offline.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.facts import CallState, CallValue, ReachState

_ORDER = (CallState.IDLE, CallState.RINGING, CallState.HELD, CallState.TALKING, CallState.CONFERENCE)
"From the least to the most."


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One call."""

    state: CallState
    direction: str | None = None
    "`in` or `out`."
    remote: str | None = None
    "The far end, as the source writes it."
    began: datetime | None = None
    "When it entered this state, if the source says so."


def busiest(calls: Iterable[CallSeen]) -> CallSeen:
    """The one that counts; idle when there is none. Of equal ones the first."""
    return max(calls, key=lambda call: _ORDER.index(call.state), default=CallSeen(CallState.IDLE))


def call_value(
    calls: Iterable[CallSeen],
    before: CallValue | None,
    now: datetime,
    *,
    device: str = "",
    with_remote: bool = False,
) -> CallValue:
    """What all calls of one phone amount to. ``before``: what was said last; a state that goes on keeps its beginning.

    ``with_remote``: the person's privacy level allows to know who is at the other end.
    """
    call = busiest(calls)
    since = min(call.began or now, now)
    if before is not None and before.state is call.state:
        since = before.since if call.began is None else min(before.since, since)
    return CallValue(call.state, since, call.direction, call.remote if with_remote else None, device)


class OfflineGrace:
    """Holds back *offline* for a while: after a PBX was restarted, every phone is gone until it registers again."""

    def __init__(self, hold: timedelta) -> None:
        self._hold = hold
        self.due: datetime | None = None
        "When the phone will have been gone long enough. None: it is there, or said to be offline already."

    def heard(self, state: ReachState, now: datetime) -> ReachState | None:
        """What to say now. None: nothing yet; ask `ripe` at ``due``."""
        if state is not ReachState.OFFLINE or not self._hold:
            self.due = None
            return state
        if self.due is None:
            self.due = now + self._hold
        return self.ripe(now)

    def ripe(self, now: datetime) -> ReachState | None:
        """*Offline* when it is time to say so."""
        return ReachState.OFFLINE if self.due is not None and now >= self.due else None
