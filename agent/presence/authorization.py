"""Who may watch whom, as a decision, and what it does to a subscription (RFC 3856 §6.6.2, RFC 6665 §4.2.2). Pure.

Where the decision comes from is open: `DomainPolicy` is what an administrator says in the settings; documents of the
people themselves (RFC 5025) can be asked in its place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from agent.presence.records import SubscriptionState


class SubHandling(IntEnum):
    """RFC 5025 §3.2.1, with its values: of several that apply, the highest counts."""

    BLOCK = 0
    CONFIRM = 10
    "The watcher waits until somebody has decided."
    POLITE_BLOCK = 20
    "The watcher is told *unavailable* for ever, and cannot tell that it was blocked."
    ALLOW = 30


Authorize = Callable[[str, str], SubHandling]
"(presentity, watcher): addresses of record."


@dataclass(frozen=True, slots=True)
class DomainPolicy:
    """By the domain of the watcher. Everybody may watch themselves."""

    default: SubHandling = SubHandling.ALLOW
    domains: Mapping[str, SubHandling] = field(default_factory=dict)
    "Lower-case domain -> decision."

    def __call__(self, presentity: str, watcher: str) -> SubHandling:
        if presentity == watcher:
            return SubHandling.ALLOW
        if not self.domains:
            return self.default
        return self.domains.get(watcher.rpartition("@")[2], self.default)


def state_of(handling: SubHandling) -> SubscriptionState:
    """The state that a subscription so decided about is in; `terminated`: it is refused, or ends."""
    match handling:
        case SubHandling.BLOCK:
            return "terminated"
        case SubHandling.CONFIRM:
            return "pending"
        case _:
            return "active"


class Step(Enum):
    """What a new decision means for a subscription that stands."""

    NONE = auto()
    "It goes on as it is. What it is shown may be another thing."
    APPROVE = auto()
    WITHDRAW = auto()
    "Active no longer: nothing more is told until somebody decides again."
    REJECT = auto()
    "It ends, and the watcher is told why: `rejected`."


_STEPS: dict[tuple[SubscriptionState, SubscriptionState], Step] = {
    ("pending", "active"): Step.APPROVE,
    ("active", "pending"): Step.WITHDRAW,
    ("pending", "terminated"): Step.REJECT,
    ("active", "terminated"): Step.REJECT,
}


def step(state: SubscriptionState, handling: SubHandling) -> Step:
    """From the state that the subscription is in."""
    return _STEPS.get((state, state_of(handling)), Step.NONE)
