"""Non-INVITE client transactions (RFC 3261 §17.1.2) as a table.

All about their transitions is in TRANSITIONS; a missing key means that the input changes nothing in that state.
The Completed state of the RFC exists to swallow late copies of the final response; the endpoint throws away every
response that belongs to no transaction, so a transaction ends here with its first final response. States and inputs
are IntEnums because those hash in C, and the table is looked up for every message.
"""

from enum import Enum, IntEnum, auto
from math import ceil
from typing import Any, Final, Protocol

from agent.sip.flows import Flow
from agent.sip.timers import Timed

T1: Final = 0.5
"Round-trip estimate, seconds."
T2: Final = 4.0
"Longest interval between retransmissions."
TIMEOUT: Final = 64 * T1
"Timer F."


def remaining(end: float, now: float) -> float:
    """Seconds until ``end``, rounded up to tenths: the timer queues want few different lengths."""
    return max(ceil((end - now) * 10 - 1e-6) / 10, 0.0)


class State(IntEnum):
    TRYING = auto()
    PROCEEDING = auto()
    ENDED = auto()


class Input(IntEnum):
    PROVISIONAL = auto()
    FINAL = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TRANSPORT_ERROR = auto()


class Action(Enum):
    RETRANSMIT = auto()
    "Send the same bytes again and set timer E anew."
    REPORT_RESPONSE = auto()
    REPORT_TIMEOUT = auto()
    REPORT_TRANSPORT_ERROR = auto()


TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, Action | None]]] = {
    (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, None),
    (State.TRYING, Input.FINAL): (State.ENDED, Action.REPORT_RESPONSE),
    (State.TRYING, Input.TIMER_E): (State.TRYING, Action.RETRANSMIT),
    (State.TRYING, Input.TIMER_F): (State.ENDED, Action.REPORT_TIMEOUT),
    (State.TRYING, Input.TRANSPORT_ERROR): (State.ENDED, Action.REPORT_TRANSPORT_ERROR),
    (State.PROCEEDING, Input.FINAL): (State.ENDED, Action.REPORT_RESPONSE),
    (State.PROCEEDING, Input.TIMER_E): (State.PROCEEDING, Action.RETRANSMIT),
    (State.PROCEEDING, Input.TIMER_F): (State.ENDED, Action.REPORT_TIMEOUT),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.ENDED, Action.REPORT_TRANSPORT_ERROR),
}


class TransactionUser(Protocol):
    """Who sent a request and wants its outcome (the TU of RFC 3261 §17).

    The events, `ResponseReceived` and `TransactionFailed`, are made of transactions, so they can't be named here.
    """

    def on_response(self, event: Any) -> None: ...

    def on_failure(self, event: Any) -> None: ...


class ClientTransaction(Timed):
    """One request under way. ``owner`` hears the outcome."""

    __slots__ = ("branch", "data", "flow", "interval", "method", "owner", "sent_by", "started", "state")

    def __init__(
        self,
        branch: str,
        method: str,
        data: bytes,
        flow: Flow,
        sent_by: str,
        owner: TransactionUser,
        now: float,
    ) -> None:
        """``sent_by``: our address as the Via names it; answers have to name it too (RFC 3261 §18.1.2)."""
        self.branch = branch
        self.method = method
        self.data = data
        self.flow = flow
        self.sent_by = sent_by
        self.owner = owner
        self.started = now
        self.state = State.TRYING
        self.interval = T1
        "The next length of timer E."
        self.due = 0.0
        "Of its one timer: the earlier of E and F."

    def next_timer(self, now: float) -> float:
        """Length of the timer to set now: E on unreliable transports, never past F."""
        if self.flow.transport.reliable:
            return TIMEOUT
        return min(self.interval, remaining(self.started + TIMEOUT, now))

    def timer_input(self, now: float) -> Input:
        """Which timer it was that is due."""
        return Input.TIMER_F if now >= self.started + TIMEOUT - 1e-6 else Input.TIMER_E

    def take(self, event: Input) -> Action | None:
        """Change state; returns what the endpoint has to do."""
        step = TRANSITIONS.get((self.state, event))
        if step is None:
            return None
        self.state, action = step
        if event is Input.TIMER_E:
            # §17.1.2.2: MIN(2*T1, T2) …
            self.interval = min(self.interval * 2, T2)
        elif event is Input.PROVISIONAL:
            # … and always T2 once a provisional response has been received.
            self.interval = T2
        return action
