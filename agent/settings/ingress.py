"""The HTTP port at which phones, PBXs, location apps and webhooks hand in their requests."""

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from agent.settings.fields import FilePath, Section, Size
from connectors.settings import at_key


def _public_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError("expected an address such as https://presence.example.org")
    return text.rstrip("/")


class IngressLimits(Section):
    """What is taken at most. Rates may be exceeded tenfold for a moment."""

    body: Size = Field(default=1024 * 1024, ge=1024, description="Of one request, unpacked or not.")
    memory: Size = Field(default=64 * 1024 * 1024, ge=1024, description="Of all requests at the same time.")
    per_address: float = Field(default=50, gt=0, description="Requests a second from one address.")
    per_sender: float = Field(
        default=20, gt=0, description="Requests a second with one token, or of one entry with its own secret."
    )
    waiting: int = Field(
        default=200,
        ge=1,
        description="Requests of one source that wait for their turn; then older ones make room.",
    )
    connections: int = Field(default=1000, ge=1, description="Open at the same time.")


class IngressSettings(Section):
    """Requests go to `/in/<entry>`, where `<entry>` is a key under `connectors`, or to `/in/t/<token>` with a token of
    `lamplighter tokens create`."""

    enabled: bool = Field(default=False, description="Listen at all.")
    host: str = Field(
        default="127.0.0.1",
        description="Beyond this machine with a `certificate`, or behind a proxy that has one.",
    )
    port: int = Field(default=9561, ge=0, le=65535, description="0 lets the system choose.")
    public_url: Annotated[str, AfterValidator(_public_url)] | None = Field(
        default=None,
        description="What others write before `/in/…`, e.g. `https://lamps.example.com`: sources that call back "
        "are told it.",
    )
    certificate: FilePath | None = Field(
        default=None, description="PEM file with the certificate and its chain; without one: plain HTTP."
    )
    key: FilePath | None = Field(
        default=None, description="PEM file with the private key; default: it is in the certificate's file."
    )
    proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"),),
        description="Reverse proxies, whose `X-Forwarded-For` is believed.",
    )
    limits: IngressLimits = Field(default=IngressLimits(), description="What is taken at most.")

    @model_validator(mode="after")
    def _key_of_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise at_key("key", "a `key` without `certificate`")
        return self
