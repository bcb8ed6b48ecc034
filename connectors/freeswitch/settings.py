"""Settings of the FreeSWITCH connector: those of the connection, and those of one extension."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from connectors.codes import CODES
from connectors.settings import Duration, LinkSettings


class EventSocketSettings(LinkSettings):
    """One FreeSWITCH; the entry's secret is the password of its event socket."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Name or address of the FreeSWITCH.")
    port: int = Field(default=8021, ge=1, le=65535, description="Port of the event socket.")
    domain: str | None = Field(
        default=None,
        description="Domain of extensions that name none. Needed where several tenants have the same numbers.",
    )
    profiles: tuple[str, ...] = Field(
        default=("internal",),
        description="SIP profiles whose registrations are asked for; empty: registrations are not looked at.",
    )
    codes: dict[str, str] = Field(default_factory=dict, description=CODES)
    ping_after: Duration = Field(
        default=timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=5),
        description="After this much silence FreeSWITCH is asked for a sign of life, and given up after as much again.",
    )
    snapshot_interval: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How often all channels and registrations are asked for, in case an event was lost.",
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
        description="A FreeSWITCH that has been silent for this long makes what it said unknown.",
    )

    @model_validator(mode="after")
    def _renews_in_time(self) -> Self:
        if self.stale_after <= self.snapshot_interval:
            raise ValueError("stale_after must be longer than snapshot_interval")
        if any(not name or not name.replace("-", "").replace("_", "").isalnum() for name in self.profiles):
            raise ValueError("profiles: expected names such as internal")
        return self


class FreeSwitchSettings(EventSocketSettings):
    """One person's extension."""

    extension: str = Field(
        pattern=r"^[^@\s]+(@[^@\s]+)?$", description="`1001`, or `1001@tenant.example.org`: the presence id."
    )
    device: str = Field(default="desk phone", description="How rules and watchers call this phone.")
    offline_after: Duration = Field(
        default=timedelta(seconds=45),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="How long a phone must have been gone before it is offline: a restart loses all of them.",
    )
