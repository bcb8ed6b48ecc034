"""Settings that all connectors of location apps have."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from connectors.location.whereabouts import Policy
from connectors.location.zones import Zone
from connectors.settings import Duration, LinkSettings


class LocationSettings(LinkSettings):
    """How positions and regions become zones."""

    TAKES_ZONES: ClassVar[bool] = True
    "The organisation's `zones` are handed to it."

    zones: dict[str, Zone] = Field(
        default_factory=dict, description="Further zones, or others in place of the organisation's `zones`."
    )
    devices: tuple[str, ...] = Field(
        default=(),
        description="What the app calls the person's devices or accounts, where one token serves many people. "
        "The person's key and e-mail addresses are known anyway.",
    )
    positions: bool = Field(
        default=True,
        description="False: only what the app itself says of its regions counts; positions are ignored.",
    )
    max_accuracy: float = Field(
        default=200, gt=0, le=5000, description="Metres; positions that are less exact do not count."
    )
    assumed_accuracy: float | None = Field(
        default=None,
        gt=0,
        le=5000,
        description="Metres to assume where the app does not say how exact a position is; such positions do not count "
        "without.",
    )
    dwell_in: Duration = Field(
        default=timedelta(minutes=1),
        description="How long somebody has to be just inside a zone before they are in it.",
    )
    dwell_out: Duration = Field(
        default=timedelta(minutes=2), description="How long somebody has to be outside before they have left."
    )
    mocked: bool = Field(
        default=False, description="Positions count too that another app on the device has made up."
    )

    def policy(self) -> Policy:
        return Policy(
            self.zones,
            self.max_accuracy,
            self.dwell_in,
            self.dwell_out,
            self.stale_after,
            self.positions,
            self.mocked,
            self.assumed_accuracy,
        )
