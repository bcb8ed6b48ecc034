"""Settings of the FreeSWITCH connector: those of the connection, and those of one extension."""

from typing import Self

from pydantic import Field, model_validator

from connectors.switch_settings import PhoneSettings, SwitchSettings


class EventSocketSettings(SwitchSettings):
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

    @model_validator(mode="after")
    def _names_profiles(self) -> Self:
        if any(not name or not name.replace("-", "").replace("_", "").isalnum() for name in self.profiles):
            raise ValueError("profiles: expected names such as internal")
        return self


class FreeSwitchSettings(EventSocketSettings, PhoneSettings):
    """One person's extension."""

    extension: str = Field(
        pattern=r"^[^@\s]+(@[^@\s]+)?$", description="`1001`, or `1001@tenant.example.org`: the presence id."
    )
