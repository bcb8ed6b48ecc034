"""Running it: the store, the log, and the HTTP port for metrics and health."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field, ValidationInfo, field_validator

from agent.settings.fields import FilePath, Section, Surroundings, WithPassword
from connectors.settings import Duration


class StoreSettings(WithPassword):
    """What survives a restart, and where it is kept."""

    url: str = Field(
        default="sqlite:///lamplighter.db",
        validate_default=True,
        description="`sqlite:///file` (relative to the settings file; four slashes for an absolute path), "
        "`postgresql://user@host/database`, or `memory:` to keep nothing.",
    )
    durability: Literal["process", "power"] = Field(
        default="process",
        description="What an acknowledged write survives: the death of the `process`, or loss of `power` too "
        "(slower).",
    )

    key_file: FilePath = Field(
        default=Path("lamplighter.key"),
        validate_default=True,
        description="The keys that secrets in the store are encrypted with; the variable `LAMPLIGHTER_KEY` and "
        "systemd's credential `lamplighter.key` go before it.",
    )

    @field_validator("url")
    @classmethod
    def _known(cls, url: str, info: ValidationInfo) -> str:
        if not re.match(r"(sqlite(\+\w+)?:///|postgresql(\+\w+)?://|memory:)", url):
            raise ValueError("expected sqlite:///…, postgresql://… or memory:")
        if re.match(r"\w+(\+\w+)?://[^/@]*:[^/@]*@", url) and not Surroundings.of(info).allow_inline_secrets:
            raise ValueError(
                "a password in plain sight; put it in password_file, secret or password: ${VARIABLE}"
            )
        scheme, found, file = url.partition("sqlite:///")
        if not scheme and found and file and not file.startswith((":", "/")):
            return f"sqlite:///{(Surroundings.of(info).directory / file).absolute()}"
        return url

    def url_with_password(self) -> str:
        """What the database driver connects to. Holds the password: not for logs."""
        scheme, found, place = self.url.partition("://")
        if self.revealed is None or not found or "@" not in place:
            return self.url
        user, _, rest = place.partition("@")
        return f"{scheme}://{user}:{quote(self.revealed.get_secret_value(), safe='')}@{rest}"


class ShutdownSettings(Section):
    """What happens to what is under way when the service ends."""

    watchers: Literal["keep", "deactivated"] = Field(
        default="keep",
        description="`keep`: subscriptions stay on record, and the next start goes on with them. `deactivated`: "
        "watchers are told to subscribe again, for a service that does not come back to this address.",
    )
    within: Duration = Field(
        default=timedelta(seconds=5),
        ge=timedelta(0),
        le=timedelta(minutes=5),
        description="The longest that answers are waited for.",
    )


class LogSettings(Section):
    """Goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is told."
    )
    format: Literal["auto", "text", "json"] = Field(
        default="auto", description="`text` for people, `json` for machines; `auto`: text on a terminal."
    )


class HttpSettings(Section):
    """Metrics at `/metrics`, health at `/healthz`."""

    enabled: bool = Field(default=True, description="Listen at all.")
    host: str = Field(
        default="127.0.0.1", description="Beyond this machine only behind something that protects it."
    )
    port: int = Field(default=9560, ge=0, le=65535, description="0 lets the system choose.")
