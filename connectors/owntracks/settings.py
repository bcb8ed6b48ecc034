"""Settings of the OwnTracks connector. Field descriptions become the reference page."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from connectors.location.settings import LocationSettings
from connectors.settings import at_key


class OwnTracksSettings(LocationSettings):
    """HTTP needs nothing more; MQTT is used when `broker` is there."""

    broker: str | None = Field(
        default=None, pattern=r"^[^\s:/]+$", description="Host of the MQTT broker, if the apps use MQTT."
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; default: 8883, or 1883 without `tls`."
    )
    tls: bool = Field(default=True, description="Encrypt the connection to the broker, and check who it is.")
    ca_file: Path | None = Field(
        default=None, description="PEM file of authorities to trust at the broker instead of the system's."
    )
    username: str | None = Field(
        default=None, description="Who signs in at the broker; the password is the entry's secret."
    )
    topic: str = Field(
        default="owntracks/+/+/#",
        description="What is subscribed to; its second level is the user, its third the device.",
    )

    @model_validator(mode="after")
    def _of_broker(self) -> Self:
        if self.broker is None and self.username is not None:
            raise at_key("username", "`username` is for a `broker`")
        return self
