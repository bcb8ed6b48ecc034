"""The notifier's decisions on subscriptions (RFC 6665 §4.2): how long, what a NOTIFY's answer means, why one ends."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from agent.presence.packages import ExpiryLimits
from agent.presence.records import Subscription


class Reason(StrEnum):
    """Why a subscription is terminated (RFC 6665 §4.1.3)."""

    DEACTIVATED = "deactivated"
    PROBATION = "probation"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    GIVEUP = "giveup"
    NORESOURCE = "noresource"
    INVARIANT = "invariant"


def end_of(row: Subscription, now: float, pending_for: int) -> Reason:
    """Why a subscription ends that has expired: nobody refreshed it, or nobody decided about it in time."""
    # Lifetimes are whole seconds, so the last one may end a second early.
    given_up = row.state == "pending" and now > row.created_at + pending_for - 1.0
    return Reason.GIVEUP if given_up else Reason.TIMEOUT


@dataclass(frozen=True, slots=True)
class TooBrief:
    """Answer 423 with Min-Expires."""

    min_expires: int


def grant(requested: int | None, limits: ExpiryLimits) -> int | TooBrief:
    """Seconds to grant. Never more than asked for (RFC 6665 §4.2.1.1); 0 is always granted.

    423 is only for wishes under an hour, whatever the minimum is set to (§4.2.1.1).
    """
    if requested is None:
        return limits.default
    if 0 < requested < limits.minimum and requested < 3600:
        return TooBrief(limits.minimum)
    return min(requested, limits.maximum)


class Fate(Enum):
    """What becomes of a subscription after its NOTIFY was answered."""

    KEEP = auto()
    KEEP_AND_RETRY = auto()
    "The watcher did not get this state; send the newest later."
    REMOVE = auto()


_GONE: Final = frozenset({404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604})
"RFC 6665 §4.2.2: the watcher has no such subscription (any more)."


def fate_of(status: int) -> Fate:
    """By the final response to a NOTIFY."""
    if 200 <= status < 300:
        return Fate.KEEP
    return Fate.REMOVE if status in _GONE else Fate.KEEP_AND_RETRY


RETRY_AFTER: Final = 60
"Seconds until a NOTIFY is tried again when its refusal names no time."


def subscription_state(expires_at: float, now: float, state: str = "active") -> str:
    """The value of Subscription-State for a live subscription: whole seconds left, never more than were granted."""
    return f"{state};expires={max(0, int(expires_at - now))}"


def terminated(reason: Reason, retry_after: int | None = None) -> str:
    """The value of Subscription-State that ends a subscription."""
    return f"terminated;reason={reason}" + (f";retry-after={retry_after}" if retry_after is not None else "")
