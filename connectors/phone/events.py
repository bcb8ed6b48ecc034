"""What a phone reports, and the calls that follow from it. Pure.

Reports are single moments, and any of them can be lost: a phone restarts, a network is down. So whatever heals is
taken: *idle* ends every call, and the number of calls, where a phone sends it, is believed.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from connectors.calls import CallSeen
from connectors.facts import CallState

MOST_CALLS = 8
"At a time; no phone has more lines in use."
LATE = timedelta(seconds=60)
"A report of a call that has ended so long ago came late, and does not bring it back."


class Event(StrEnum):
    """What has happened."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    ESTABLISHED = "established"
    TERMINATED = "terminated"
    MISSED = "missed"
    HOLD = "hold"
    UNHOLD = "unhold"
    CONFERENCE = "conference"
    BUSY = "busy"
    IDLE = "idle"
    OFFHOOK = "offhook"
    ONHOOK = "onhook"
    DND_ON = "dnd_on"
    DND_OFF = "dnd_off"
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"


BY_HAND = frozenset(
    {Event.OUTGOING, Event.ESTABLISHED, Event.OFFHOOK, Event.ONHOOK, Event.HOLD, Event.UNHOLD}
)
"Somebody was at the phone."
_ENDS = frozenset({Event.TERMINATED, Event.MISSED, Event.ONHOOK})
_ABOUT_CALLS = frozenset(Event) - {Event.DND_ON, Event.DND_OFF, Event.REGISTERED, Event.UNREGISTERED}


@dataclass(frozen=True, slots=True)
class Report:
    """One event, as far as the phone says."""

    event: Event
    call_id: str | None = None
    remote: str | None = None
    count: int | None = None
    "How many calls there are now (Snom)."


@dataclass(slots=True)
class _Call:
    state: CallState
    direction: str | None
    remote: str | None
    began: datetime


@dataclass(slots=True)
class Calls:
    """The calls of one phone. A phone that names calls is believed by name; else they are counted."""

    _calls: dict[str, _Call] = field(default_factory=dict)
    _ended: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _number: int = 0

    def take(self, report: Report, now: datetime) -> bool:
        """False: nothing of calls is said."""
        if report.event not in _ABOUT_CALLS:
            return False
        if report.event is Event.IDLE:
            self._calls.clear()
        elif report.event in _ENDS:
            self._end(report, now)
        elif report.event is Event.BUSY:
            # The phone says that there is a call, not which: only of use where its beginning was lost.
            if not self._calls:
                self._begin(report, CallState.TALKING, None, now)
        elif report.event is not Event.OFFHOOK and not self._came_late(report, now):
            self._change(report, now)
        self._heal(report.count)
        return True

    def seen(self) -> list[CallSeen]:
        return [
            CallSeen(call.state, call.direction, call.remote, call.began) for call in self._calls.values()
        ]

    def _change(self, report: Report, now: datetime) -> None:
        state, direction = {
            Event.INCOMING: (CallState.RINGING, "in"),
            Event.OUTGOING: (CallState.TALKING, "out"),
            Event.ESTABLISHED: (CallState.TALKING, None),
            Event.HOLD: (CallState.HELD, None),
            Event.UNHOLD: (CallState.TALKING, None),
            Event.CONFERENCE: (CallState.CONFERENCE, None),
        }[report.event]
        key = None if direction is not None and report.call_id is None else self._find(report, state)
        if key is None:
            self._begin(report, state, direction, now)
            return
        call = self._calls[key]
        if call.state is not state:
            call.state, call.began = state, now
        call.direction = call.direction or direction
        call.remote = call.remote or report.remote

    def _begin(self, report: Report, state: CallState, direction: str | None, now: datetime) -> None:
        self._number += 1
        key = report.call_id or f"\0{self._number}"
        self._calls[key] = _Call(state, direction, report.remote, now)
        while len(self._calls) > MOST_CALLS:
            del self._calls[next(iter(self._calls))]

    def _end(self, report: Report, now: datetime) -> None:
        if report.call_id is not None:
            self._ended[report.call_id] = now
            while len(self._ended) > MOST_CALLS:
                self._ended.popitem(last=False)
            if report.event is not Event.ONHOOK:
                self._calls.pop(report.call_id, None)
                return
        key = self._find(report, CallState.IDLE)
        if key is not None:
            del self._calls[key]

    def _came_late(self, report: Report, now: datetime) -> bool:
        ended = self._ended.get(report.call_id or "")
        return ended is not None and now - ended < LATE

    def _find(self, report: Report, becomes: CallState) -> str | None:
        """Which call is meant: the one of that name; else of that far end; else the newest that fits best."""
        if report.call_id is not None and report.call_id in self._calls:
            return report.call_id
        named = report.call_id is not None and becomes is not CallState.IDLE
        # A call that was begun without a name can have one now; one with another name is another call.
        fits = [key for key in self._calls if not named or key.startswith("\0")]
        same = [key for key in fits if report.remote and self._calls[key].remote == report.remote]
        for key in reversed(same or fits):
            if self._calls[key].state is _LIKELY.get(report.event, self._calls[key].state):
                return key
        candidates = same or fits
        return candidates[-1] if candidates else None

    def _heal(self, count: int | None) -> None:
        """The phone knows how many there are: what is too many was lost."""
        if count is not None:
            while len(self._calls) > count:
                del self._calls[next(iter(self._calls))]


_LIKELY = {
    Event.ESTABLISHED: CallState.RINGING,
    Event.MISSED: CallState.RINGING,
    Event.TERMINATED: CallState.RINGING,
    Event.ONHOOK: CallState.TALKING,
    Event.UNHOLD: CallState.HELD,
    Event.HOLD: CallState.TALKING,
}
"In which state the call most likely was that an event without a name is about."
