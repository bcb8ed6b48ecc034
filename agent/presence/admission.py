"""What is still taken on when more is asked than can be done: first what is under way, then refreshes, then the new.

Refusing early and cheaply keeps the service quick for those whom it serves already (RFC 3261 §21.5.4, RFC 3903 §9).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from zlib import crc32

from agent.sip.messages import Request

DATAGRAM_TAKES: Final = 0.0001
"Seconds that one waiting datagram puts those behind it off: 10,000 a second is what a slow core does."


class Urgency(Enum):
    """Of a request that begins a transaction; copies and answers of those under way are always taken."""

    REFRESH = auto()
    "Keeps or ends something that is there: without it somebody loses what they have."
    NEW = auto()


@dataclass(slots=True, init=False)
class Load:
    """How it stands at a moment. Made for every request, so without what `dataclass` writes for a frozen one."""

    lag: Final[float]
    "Seconds that the event loop is late."
    waiting: Final[int]
    "Datagrams that have arrived and were not read yet."
    owed: Final[int]
    "NOTIFYs that wait for their turn."
    transactions: Final[int]
    "Server transactions that are kept, answered ones included (RFC 3261 §17.2.2: 32 seconds over UDP)."

    def __init__(self, lag: float = 0.0, waiting: int = 0, owed: int = 0, transactions: int = 0) -> None:
        self.lag = lag
        self.waiting = waiting
        self.owed = owed
        self.transactions = transactions

    @property
    def behind(self) -> float:
        """Seconds from the arrival of a request to the moment at which it is worked on."""
        return self.lag + self.waiting * DATAGRAM_TAKES


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Beyond which something is refused."""

    behind_for_new: float = 2.5
    "7,500 requests at once, and the copies of them after half a second, are still taken on."
    behind_for_refreshes: float = 5.0
    "Clients wait 32 seconds for an answer, but those who watch want to see what is true."
    owed_for_new: int = 200_000
    "Whoever comes now would be told after all of these."
    transactions: int = 500_000
    "About 1.5 kB each. What is new is refused from four fifths of it."


DEFAULT_THRESHOLDS: Final = Thresholds()


def urgency(request: Request) -> Urgency:
    """PUBLISH of a publication that stands (RFC 3903 §4.1), SUBSCRIBE inside its dialog (RFC 6665 §4.1.2.2), REGISTER:
    the devices that are there."""
    match request.method:
        case "SUBSCRIBE":
            refreshes = request.to.tag is not None
        case "PUBLISH":
            refreshes = "SIP-If-Match" in request.headers
        case method:
            refreshes = method == "REGISTER"
    return Urgency.REFRESH if refreshes else Urgency.NEW


def is_admitted(
    urgency: Callable[[], Urgency], load: Load, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> bool:
    """Whether a request is taken on. ``urgency`` is asked only when there is pressure."""
    behind = load.behind
    if behind > thresholds.behind_for_refreshes or load.transactions >= thresholds.transactions:
        return False
    pressed = (
        behind > thresholds.behind_for_new
        or load.owed > thresholds.owed_for_new
        or load.transactions >= thresholds.transactions * 4 // 5
    )
    return not pressed or urgency() is Urgency.REFRESH


def retry_after(call_id: str, least: int = 5, spread: int = 10) -> int:
    """Seconds. Another one for each caller: those who were refused together must not come back together."""
    return least + crc32(call_id.encode("utf-8", "surrogateescape")) % (spread + 1)
