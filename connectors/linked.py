"""What the runner holds of each link, and of all links of one connector."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

from connectors.base import PollConnector, PushConnector, Receives
from connectors.hubs import Listening
from connectors.link_state import LinkState
from connectors.schedule import DueQueue, paced
from connectors.settings import LinkSettings, PollSettings

PUSH_INTERVAL = 5.0
"Seconds: first wait before a lost push source is listened to again."


@dataclass(slots=True)
class Linked:
    """A link with everything that belongs to it."""

    state: LinkState
    settings: LinkSettings
    connector: PollConnector | PushConnector | None
    "None: could not be made; the state says why."
    in_flight: bool = False
    again: bool = False
    "Asked for while a poll was under way."
    fresh: bool = False
    "The next poll has to confirm something suspicious."
    removed: bool = False

    @property
    def listens(self) -> bool:
        return hasattr(self.connector, "listen")

    @property
    def receiver(self) -> Receives | None:
        """Who takes requests: the connector, or the hub that stands in its place."""
        target: object = self.connector.hub if isinstance(self.connector, Listening) else self.connector
        return cast(Receives, target) if hasattr(target, "receive") else None

    @property
    def interval(self) -> float:
        if isinstance(self.settings, PollSettings):
            return self.settings.interval.total_seconds()
        return PUSH_INTERVAL

    def wait(self, now: datetime) -> float:
        """Seconds until the next poll, when all is well."""
        if not isinstance(self.settings, PollSettings) or not self.settings.adaptive:
            return self.interval
        return paced(self.interval, now.astimezone(zone_of(self.state.link.zone)), self.state.edges())


@cache
def zone_of(name: str) -> tzinfo:
    """Connectors refuse links whose zone is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC


@dataclass(slots=True)
class Group:
    """All links of one connector."""

    due: DueQueue = field(default_factory=DueQueue)
    links: dict[str, Linked] = field(default_factory=dict)
    in_flight: int = 0
    "Polls under way; who listens does not count."
    polls: bool = False
