"""Settings of the Asterisk connector: those of the connection, and those of one extension."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from connectors.codes import CODES
from connectors.settings import Duration, LinkSettings


class ManagerSettings(LinkSettings):
    """One Asterisk; the entry's secret is that of the manager user."""

    host: str = Field(min_length=1, description="Name or address of the Asterisk.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of the manager. Left out: 5038, or 5039 with TLS."
    )
    user: str = Field(default="lamplighter", min_length=1, description="The manager user (manager.conf).")
    tls: bool = Field(default=False, description="Connect by TLS (`tlsenable` in manager.conf).")
    ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) to trust for TLS. Left out: those of the system."
    )
    context: str | None = Field(
        default=None,
        description="Context of the hints, for extensions that name none. Needed where one is in several.",
    )
    codes: dict[str, str] = Field(default_factory=dict, description=CODES)
    ping_after: Duration = Field(
        default=timedelta(seconds=5),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=5),
        description="After this much silence Asterisk is asked for a sign of life, and given up after as much again.",
    )
    snapshot_interval: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How often everything is asked for, in case an event was lost.",
    )
    confidence: float = Field(
        default=0.9,
        ge=0.0,
        le=1.0,
        description="How sure this source is, 0 to 1: where several speak of the same device, the surest counts.",
    )
    stale_after: Duration = Field(
        default=timedelta(minutes=3),
        gt=timedelta(0),
        description="An Asterisk that has been silent for this long makes what it said unknown.",
    )

    @model_validator(mode="after")
    def _renews_in_time(self) -> Self:
        if self.stale_after <= self.snapshot_interval:
            raise ValueError("stale_after must be longer than snapshot_interval")
        return self


class AsteriskSettings(ManagerSettings):
    """One person's extension."""

    extension: str = Field(
        pattern=r"^[^@\s]+(@[^@\s]+)?$",
        description="The extension with the hint: `1001`, or `1001@internal`.",
    )
    phone: str | None = Field(
        default=None,
        pattern=r"^[\w-]+/\S+$",
        description="The phone (`PJSIP/1001`), for extensions without a hint. Left out: the hint says which.",
    )
    device: str = Field(default="desk phone", description="How rules and watchers call this phone.")
    offline_after: Duration = Field(
        default=timedelta(seconds=45),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="How long a phone must have been gone before it is offline: a restart loses all of them.",
    )
