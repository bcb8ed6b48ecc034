"""What the settings of connectors to PBXs have in common."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from connectors.codes import CODES
from connectors.settings import Duration, LinkSettings

OF_THE_PHONE = "How rules and watchers call this phone."


class PhoneSettings(LinkSettings):
    """One person's phone."""

    device: str = Field(default="desk phone", description=OF_THE_PHONE)
    offline_after: Duration = Field(
        default=timedelta(seconds=45),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="How long a phone must have been gone before it is offline: a PBX that restarts loses all.",
    )


class SwitchSettings(LinkSettings):
    """One PBX, to which there is one connection for all phones."""

    codes: dict[str, str] = Field(default_factory=dict, description=CODES)
    ping_after: Duration = Field(
        default=timedelta(seconds=5),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=5),
        description="After this much silence the PBX is asked for a sign of life, and given up after as much again.",
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
        description="How sure the source is, 0 to 1. Where several speak of the same phone, the surest one counts.",
    )
    stale_after: Duration = Field(
        default=timedelta(minutes=3),
        gt=timedelta(0),
        description="A PBX that has been silent for this long makes what it said unknown.",
    )

    @model_validator(mode="after")
    def _renews_in_time(self) -> Self:
        if self.stale_after <= self.snapshot_interval:
            raise ValueError("stale_after must be longer than snapshot_interval")
        return self
