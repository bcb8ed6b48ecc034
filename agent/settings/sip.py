"""The SIP side: where it listens, whom it trusts, its limits, and where presence is published to."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from agent.settings.fields import Domain, Section, SipServer, Size, WithPassword, at_key
from connectors.settings import Duration

DAY = timedelta(days=1)
LIVES = timedelta(hours=1)


class ListenerSettings(Section):
    """One socket that SIP arrives at."""

    transport: Literal["udp", "tcp"] = Field(description="`udp` or `tcp`.")
    host: str = Field(default="0.0.0.0", description="Address to listen on; `::` for IPv6.")
    port: int = Field(default=5060, ge=0, le=65535, description="0 lets the system choose.")
    advertise: str | None = Field(
        default=None,
        description="`host` or `host:port` that others reach this listener by, where it differs (containers, NAT).",
    )


class ExpiresSettings(Section):
    """How long a publication or subscription may live between refreshes."""

    minimum: Duration = Field(
        default=timedelta(seconds=60), ge=timedelta(seconds=1), description="Shorter: 423 Interval Too Brief."
    )
    default: Duration = Field(
        default=LIVES, ge=timedelta(seconds=1), description="When the request names none."
    )
    maximum: Duration = Field(
        default=DAY, ge=timedelta(seconds=1), description="Longer wishes are shortened to this."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.default < self.minimum:
            raise at_key("default", "must not be shorter than minimum")
        if self.maximum < self.default:
            raise at_key("maximum", "must not be shorter than default")
        return self


class LimitSettings(Section):
    """What one sender, or all together, may ask of the service."""

    publish: ExpiresSettings = Field(
        default=ExpiresSettings(), description="Life of publications (RFC 3903)."
    )
    subscribe: ExpiresSettings = Field(
        default=ExpiresSettings(), description="Life of subscriptions (RFC 6665)."
    )
    message_size: Size = Field(
        default=65536, ge=4096, le=1024 * 1024, description="Largest SIP message that is read, e.g. `64 KiB`."
    )
    requests_per_second: float = Field(
        default=100, gt=0, description="Per source address, lasting; more gets 503 with Retry-After."
    )
    requests_burst: int = Field(
        default=1000, ge=1, description="Per source address, at once, before the rate counts."
    )
    subscriptions_per_watcher: int = Field(default=2000, ge=1, description="Of one watcher at a time.")


class NotifySettings(Section):
    """How fast watchers are told."""

    minimum_interval: Duration = Field(
        default=timedelta(0),
        ge=timedelta(0),
        le=timedelta(minutes=1),
        description="Least time between two notifications of one subscription; changes meanwhile are merged. "
        "The first change is always sent at once.",
    )


class AccountSettings(WithPassword):
    """A user agent that may sign in. The key is its user name."""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if self.revealed is None:
            raise ValueError("needs a password: password_file, secret, or password: ${VARIABLE}")
        return self


class AuthenticationSettings(Section):
    """Who has to prove who they are. `authentication: off` must be said in so many words."""

    mode: Literal["digest", "off"] = Field(
        default="digest", description="`digest` (RFC 8760, RFC 3261 §22) or `off`: everyone is believed."
    )
    realm: str | None = Field(default=None, description="Shown to user agents; default: the first domain.")
    trusted_addresses: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="Senders believed without a password, e.g. the PBX: `192.0.2.5`, `10.0.0.0/24`.",
    )
    accounts: dict[str, AccountSettings] = Field(default_factory=dict, description="User name to password.")

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        if value == "off":
            return {"mode": "off"}
        if isinstance(value, str):
            raise ValueError("expected `off` or a section with keys of its own")
        return value


class PublisherSettings(WithPassword):
    """Where the decided presence is published to (RFC 3903)."""

    target: Literal["built-in"] | SipServer = Field(
        default="built-in", description="`built-in`, or the SIP URI of another presence server."
    )
    username: str | None = Field(
        default=None, description="For the other server; the password belongs beside it."
    )
    outbound_proxy: SipServer | None = Field(
        default=None, description="SIP URI that requests are sent through."
    )
    from_domain: Domain | None = Field(
        default=None, description="Publish `sip:alice@<this>` instead of each person's own domain."
    )
    expires: Duration = Field(
        default=LIVES, ge=timedelta(seconds=60), le=DAY, description="Asked for; refreshed well before."
    )
