"""How a link is doing, in words that its owner can act on. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HealthState(StrEnum):
    """What became of a link's last poll, told apart by who has to do something about it."""

    WAITING = "waiting"
    "Nothing was heard yet."
    OK = "ok"
    PARTIAL = "partial"
    "Heard, but parts could not be read; ``LinkHealth.problems`` names them."
    AUTH_FAILED = "auth-failed"
    "The person has to give a new password or token."
    FORBIDDEN = "forbidden"
    "The sign-in is right, but the account may not see this."
    NOT_FOUND = "not-found"
    "The address leads nowhere."
    UNREACHABLE = "unreachable"
    "The network or the server; it is tried again by itself."
    BAD_DATA = "bad-data"
    "The source answered with something that cannot be understood."
    REFUSED = "refused"
    "Lamplighter itself does not go there: the administrator has to allow it."
    MISCONFIGURED = "misconfigured"
    "The link's settings are wrong."
    FAULT = "fault"
    "An error inside the connector."


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """The health of one link at one moment."""

    link: str
    connector: str
    person: str
    state: HealthState
    words: str
    "One or two sentences for the person or the administrator; never holds a secret."
    since: datetime
    "When ``state`` began."
    last_heard: datetime | None = None
    "When the source last answered usefully. None: never."
    next_poll: datetime | None = None
    failures: int = 0
    "Failed polls in a row."
    problems: tuple[str, ...] = ()
    "Parts that could not be read while the rest could (broken calendar objects and the like)."
    stale: bool = False
    "What this link said has outlived its validity: its facts are unknown now."
