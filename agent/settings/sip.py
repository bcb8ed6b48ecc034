"""The SIP side: where it listens, whom it trusts, its limits, and where presence is published to."""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.settings.fields import Domain, FilePath, Section, SipAddress, SipServer, Size, WithPassword
from agent.sip.flows import Transport
from agent.sip.resolution import default_port
from connectors.settings import Duration, at_key

DAY = timedelta(days=1)
LIVES = timedelta(hours=1)


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+", text):
        raise ValueError("expected a web origin such as https://phone.example.org")
    return text


Origin = Annotated[str, AfterValidator(_origin)]


class ListenerSettings(Section):
    """One socket that SIP arrives at."""

    transport: Literal["udp", "tcp", "tls", "ws", "wss"] = Field(
        description="`ws` and `wss` are SIP over WebSocket, for browsers (RFC 7118)."
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on; `::` for IPv6.")
    port: int = Field(
        default=5060,
        ge=0,
        le=65535,
        description="0 lets the system choose. Without it: 5061 for `tls`, 80 for `ws`, 443 for `wss`.",
    )
    advertise: str | None = Field(
        default=None,
        description="`host` or `host:port` that others reach this listener by, where it differs (containers, NAT).",
    )
    certificate: FilePath | None = Field(
        default=None,
        description="`tls` and `wss`: PEM file with the certificate and those between it and the authority. "
        "A renewed file is put in force by itself.",
    )
    key: FilePath | None = Field(
        default=None, description="PEM file with the private key; default: it is in the certificate's file."
    )
    client_ca: FilePath | None = Field(
        default=None,
        description="`tls` and `wss`: PEM file of authorities. Clients then have to show a certificate of theirs.",
    )
    origins: tuple[Origin, ...] = Field(
        default=(),
        description="`ws` and `wss`: web origins whose pages may connect, e.g. `https://phone.example.org`; "
        "default: all.",
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, value: Any) -> Any:
        named = value.get("transport") if isinstance(value, dict) else None
        if named not in ("tls", "ws", "wss") or "port" in value:
            return value
        return {**value, "port": default_port(Transport(named))}

    @model_validator(mode="after")
    def _fits_transport(self) -> Self:
        secure, web = self.transport in ("tls", "wss"), self.transport in ("ws", "wss")
        if secure and self.certificate is None:
            raise at_key("transport", f"`{self.transport}` needs a `certificate`")
        for key in ("certificate", "key", "client_ca"):
            if getattr(self, key) is not None and not secure:
                raise at_key(key, f"is for `tls` and `wss`, and this is `{self.transport}`")
        if self.origins and not web:
            raise at_key("origins", f"is for `ws` and `wss`, and this is `{self.transport}`")
        return self


class TlsSettings(Section):
    """TLS connections that the service opens: to another presence server, and to watchers."""

    ca_file: FilePath | None = Field(
        default=None, description="Authorities to believe besides the system's (PEM)."
    )
    certificate: FilePath | None = Field(default=None, description="Shown to servers that ask for one (PEM).")
    key: FilePath | None = Field(
        default=None, description="Its private key; default: it is in the certificate's file."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise at_key("key", "a key without a `certificate`")
        return self


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
    registration: ExpiresSettings = Field(
        default=ExpiresSettings(), description="Life of registrations (RFC 3261 §10)."
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
    transactions: int = Field(
        default=500_000,
        ge=1000,
        description="Requests kept in memory at a time, each for up to 32 seconds; beyond it, and when the service is "
        "seconds behind, what is new gets 503 with Retry-After, then refreshes too.",
    )
    subscriptions_per_watcher: int = Field(default=2000, ge=1, description="Of one watcher at a time.")
    connections: int = Field(
        default=20_000, ge=1, description="Of one listener at a time; one more is closed at once."
    )


class NotifyCredentialSettings(WithPassword):
    """What notifications are signed with when a PBX or proxy demands it. The key is its realm."""

    username: str = Field(description="The user name at that PBX or proxy.")

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if self.revealed is None:
            raise ValueError("needs a password: password_file, secret, or password: ${VARIABLE}")
        return self


class NotifySettings(Section):
    """How fast watchers are told."""

    minimum_interval: Duration = Field(
        default=timedelta(0),
        ge=timedelta(0),
        le=timedelta(minutes=1),
        description="Least time between two notifications of presence to one watcher; changes meanwhile are merged. "
        "The first change is always sent at once.",
    )
    large: Literal["udp", "tcp"] = Field(
        default="udp",
        description="How more than 1300 bytes reach a watcher on UDP: by `udp`, which phones expect, or with `tcp` "
        "tried first, which RFC 3261 §18.1.1 demands.",
    )
    credentials: dict[str, NotifyCredentialSettings] = Field(
        default_factory=dict,
        description="By realm: user name and password for notifications that are challenged.",
    )
    locations: bool = Field(
        default=False,
        description="Tell watchers locations (RFC 4119) that clients publish, as far as these allow to be passed on.",
    )


class DialogSettings(Section):
    """What watchers see of calls that phones and PBXs publish (RFC 4235)."""

    details: bool = Field(
        default=False,
        description="Tell every watcher who is at the other end, and what picking up a call needs. "
        "Otherwise only one's own phones are told; the others see that there is a call.",
    )
    minimum_interval: Duration = Field(
        default=timedelta(0),
        ge=timedelta(0),
        le=timedelta(minutes=1),
        description="Least time between two notifications of calls and lamps of one subscription; RFC 4235 §3.10 "
        "wants `1s`. A phone that rings is told at once all the same.",
    )
    shortest_change: Duration = Field(
        default=timedelta(seconds=10),
        ge=timedelta(seconds=1),
        description="Least life of a published call whose state changes; first publications and refreshes have "
        "`limits.publish`. Kamailio publishes the end of a call for 11 s.",
    )
    one_at_a_time: tuple[str, ...] = Field(
        default=(),
        description="Watchers that understand one dialog only, by User-Agent, e.g. `Grandstream*`: they are told "
        "the one that says most.",
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
    trusted_certificates: tuple[Domain | SipAddress, ...] = Field(
        default=(),
        description="The same for senders over TLS by the name in the certificate that they show, e.g. "
        "`pbx.example.org` or `sip:pbx@example.org`; the listener needs a `client_ca`.",
    )
    algorithms: tuple[Literal["SHA-512-256", "SHA-256", "MD5"], ...] = Field(
        default=("SHA-256", "MD5"),
        min_length=1,
        description="Offered to user agents, best first whatever the order here. Many desk phones know only `MD5`.",
    )
    accept_without_qop: bool = Field(
        default=False,
        description="Take answers in the form of RFC 2069, as libpurple (Pidgin) gives them. Whoever reads one along "
        "the way can send it again for some minutes.",
    )
    md5_only_for: tuple[str, ...] = Field(
        default=("baresip v0.*", "baresip v1.*", "sofia-sip/1.*", "sipsak*"),
        description="User agents, by User-Agent, that fail when something better than `MD5` is offered as well. "
        "They are offered `MD5` alone, as far as `algorithms` allows it.",
    )
    accounts: dict[str, AccountSettings] = Field(
        default_factory=dict,
        description="User name to password. `lamplighter users` keeps further ones, without passwords in files.",
    )

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
