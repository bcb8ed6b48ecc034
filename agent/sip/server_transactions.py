"""Server transactions (RFC 3261 §17.2, RFC 4320) as tables: non-INVITE, and INVITE as far as refusing it needs.

A non-INVITE one absorbs copies of its request: dropped while there is no answer, the same bytes again after it.
An INVITE is only ever refused here; its final response is repeated until the ACK comes (timer G, H), which is absorbed.
"""

from collections.abc import Callable
from enum import Enum, IntEnum, auto
from typing import Final

from agent.sip.client_transactions import T1, T2, remaining
from agent.sip.flows import Flow
from agent.sip.headers import Headers
from agent.sip.messages import Response
from agent.sip.timers import Timed

LINGER: Final = 64 * T1
"Timers J and H on unreliable transports."
TRYING_AFTER: Final = 3.5
"RFC 4320 §4.1: a non-INVITE gets its 100 not before the client's timer E has reached T2, and then must get one."
T4: Final = 5.0
"How long copies of an ACK may still come (timer I)."


class State(IntEnum):
    TRYING = auto()
    PROCEEDING = auto()
    "A 100 has been sent."
    COMPLETED = auto()
    CONFIRMED = auto()
    "INVITE only: the ACK has come."
    ENDED = auto()


class Input(IntEnum):
    REQUEST = auto()
    "A copy of the request."
    FINAL = auto()
    "The answer has been decided."
    ACK = auto()
    TIMER_TRYING = auto()
    TIMER_REPEAT = auto()
    "Timer G."
    TIMER_END = auto()
    "Timer J, H or I; or nobody has decided within the client's patience (RFC 4320 §4.2: then no answer at all)."


class Action(Enum):
    SEND = auto()
    "Send the stored response (again)."
    SEND_TRYING = auto()


Table = dict[tuple[State, Input], tuple[State, Action | None]]

NON_INVITE: Final[Table] = {
    (State.TRYING, Input.FINAL): (State.COMPLETED, Action.SEND),
    (State.TRYING, Input.TIMER_TRYING): (State.PROCEEDING, Action.SEND_TRYING),
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, Action.SEND_TRYING),
    (State.PROCEEDING, Input.FINAL): (State.COMPLETED, Action.SEND),
    (State.PROCEEDING, Input.TIMER_END): (State.ENDED, None),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, Action.SEND),
    (State.COMPLETED, Input.TIMER_END): (State.ENDED, None),
}

INVITE: Final[Table] = {
    (State.TRYING, Input.FINAL): (State.COMPLETED, Action.SEND),
    (State.TRYING, Input.TIMER_END): (State.ENDED, None),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, Action.SEND),
    (State.COMPLETED, Input.TIMER_REPEAT): (State.COMPLETED, Action.SEND),
    (State.COMPLETED, Input.ACK): (State.CONFIRMED, None),
    (State.COMPLETED, Input.TIMER_END): (State.ENDED, None),
    (State.CONFIRMED, Input.TIMER_END): (State.ENDED, None),
}

Key = tuple[str, ...]


class ServerTransaction(Timed):
    """One request received. ``key``: see `agent.sip.matching`."""

    __slots__ = (
        "completed_at",
        "flow",
        "headers",
        "in_process",
        "interval",
        "key",
        "merge_key",
        "method",
        "response",
        "state",
    )

    def __init__(self, key: Key, merge_key: Key, method: str, headers: Headers, flow: Flow) -> None:
        self.key = key
        self.merge_key = merge_key
        self.method = method
        self.headers: Headers | None = headers
        "The request's headers until it is answered; responses copy from them."
        self.flow = flow
        self.in_process: Callable[[Response], None] | None = None
        "Who takes the response as it is, in the place of a peer."
        self.response = b""
        self.state = State.TRYING
        self.interval = T1
        self.due = 0.0
        self.completed_at = 0.0

    def take(self, event: Input) -> Action | None:
        """Change state; returns what the endpoint has to do."""
        table = INVITE if self.method == "INVITE" else NON_INVITE
        step = table.get((self.state, event))
        if step is None:
            return None
        self.state, action = step
        if event is Input.TIMER_REPEAT:
            self.interval = min(self.interval * 2, T2)
        return action

    def next_timer(self, now: float) -> float | None:
        """Length of the timer that the present state waits for."""
        reliable = self.flow.transport.reliable
        match self.state:
            case State.TRYING:
                return LINGER if self.method == "INVITE" else TRYING_AFTER
            case State.PROCEEDING:
                return LINGER - TRYING_AFTER
            case State.COMPLETED if self.method == "INVITE":
                left = remaining(self.completed_at + LINGER, now)
                return left if reliable else min(self.interval, left)
            case State.COMPLETED:
                return 0.0 if reliable else LINGER
            case State.CONFIRMED:
                return 0.0 if reliable else T4
            case State.ENDED:
                return None

    def timer_input(self, now: float) -> Input:
        """Which timer it was that is due."""
        if self.state is State.TRYING and self.method != "INVITE":
            return Input.TIMER_TRYING
        if (
            self.method == "INVITE"
            and self.state is State.COMPLETED
            and now < self.completed_at + LINGER - 1e-6
        ):
            return Input.TIMER_REPEAT
        return Input.TIMER_END
