"""Settings of the Asterisk connector: those of the connection, and those of one extension."""

from pathlib import Path

from pydantic import Field

from connectors.switch_settings import PhoneSettings, SwitchSettings


class ManagerSettings(SwitchSettings):
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


class AsteriskSettings(ManagerSettings, PhoneSettings):
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
