"""What the server has to know of the settings, as plain values; app.py fills it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from agent.presence.admission import DEFAULT_THRESHOLDS, Thresholds
from agent.presence.authorization import Authorize, DomainPolicy
from agent.presence.calls import DialogView, is_ringing
from agent.presence.dialog_choice import read_choice
from agent.presence.packages import DEFAULT_PACKAGES, EventPackage, ExpiryLimits
from agent.presence.records import Subscription
from agent.sip.digest import Credentials
from agent.sip.parsing import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class ServerConfig:
    domains: frozenset[str]
    "Lower-case host parts that are ours: requests for any other are not for us."
    packages: Mapping[str, EventPackage] = field(default_factory=lambda: DEFAULT_PACKAGES)
    ranks: Mapping[str, int] = field(default_factory=dict)
    "Source rank by publisher (address of record); the highest wins where publications disagree."
    default_rank: int = 50
    max_subscriptions_per_watcher: int = 5_000
    max_subscriptions: int = 500_000
    max_subscriptions_per_presentity: int = 50_000
    "And package."
    max_pending_per_presentity: int = 1_000
    "Of these, how many may wait for permission: strangers must not fill the store (RFC 6665 §6.3)."
    pending_for: int = 86_400
    "Seconds that a subscription may wait for permission before it ends with `giveup` (RFC 6665 §4.1.3)."
    authorize: Authorize = field(default_factory=DomainPolicy)
    "Who may watch whom, at the start."
    max_publications_per_presentity: int = 50
    "A publisher that forgets its tags must not fill the store."
    max_body: int = 32_768
    "Bytes that one publication may have."
    limits: Limits = DEFAULT_LIMITS
    requests_per_second: float = 100.0
    "Of one source address that is not trusted, lasting."
    requests_burst: int = 1_000
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    "When what is new, and when refreshes too, get 503."
    max_connections: int = 20_000
    "Of one listener at a time; one more is closed at once."
    large_notify_over_tcp: bool = False
    "NOTIFYs too large for a datagram (RFC 3261 §18.1.1) try TCP first."
    notify_credentials: Mapping[str, Credentials] = field(default_factory=dict)
    "Realm -> what NOTIFYs are signed with when they are challenged for it."
    minimum_interval: float = 0.0
    "Seconds between two NOTIFYs of one subscription; changes meanwhile are merged."
    minimum_dialog_interval: float = 0.0
    "The same for the package `dialog`, but for a phone that rings, which is told at once."
    locations: bool = False
    "Whether watchers are told the locations that may be passed on."
    server_name: str = "Lamplighter"
    publishers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    "Presentity -> who else may publish for it (addresses of record)."

    registrar: bool = True
    "REGISTER is taken."
    register_limits: ExpiryLimits = field(default_factory=ExpiryLimits)
    flow_timer: int = 120
    "Seconds between keep-alives that user agents with a flow of their own are asked for (RFC 5626 §4.4)."
    dialog_details: bool = False
    "Every watcher of dialogs learns who is at the other end."
    one_dialog_for: tuple[str, ...] = ()
    "Patterns of the User-Agent of watchers that know one dialog only."
    agent_address: str | None = None
    "Address of record that takes commands by MESSAGE."
    message_relay: str | None = None
    "SIP URI of the proxy that MESSAGEs to others are sent on to; None: they are refused."

    def may_publish(self, publisher: str, trusted: bool, presentity: str) -> bool:
        """Oneself, those named, and trusted peers (RFC 3903 §14.1)."""
        return trusted or publisher == presentity or publisher in self.publishers.get(presentity, ())

    def interval_before(self, package: str, body: bytes) -> float:
        """Seconds since the last NOTIFY that must have passed before this document is told."""
        if not self.packages[package].versioned:
            return self.minimum_interval
        return 0.0 if is_ringing(body) else self.minimum_dialog_interval

    def dialog_view(self, row: Subscription) -> DialogView:
        """How a watcher sees somebody's dialogs: one's own in full (RFC 4235 §3.6)."""
        name = row.user_agent.lower()
        single = any(fnmatchcase(name, pattern.lower()) for pattern in self.one_dialog_for)
        details = self.dialog_details or row.presentity == row.watcher
        return DialogView(details, single, read_choice(row.event_params))

    @property
    def takes_messages(self) -> bool:
        return self.agent_address is not None or self.message_relay is not None

    @property
    def methods(self) -> str:
        """The value of Allow."""
        optional = (("REGISTER", self.registrar), ("MESSAGE", self.takes_messages))
        return ", ".join(["PUBLISH, SUBSCRIBE, NOTIFY, OPTIONS", *(name for name, on in optional if on)])

    @property
    def allow_events(self) -> str:
        return ", ".join(self.packages)
