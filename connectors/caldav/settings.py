"""Settings of a CalDAV link."""

from typing import Literal, Self

from pydantic import Field, HttpUrl, model_validator

from connectors.ical.window import CalendarSettings
from connectors.oauth import OAuthSettings


class CalDavSettings(CalendarSettings):
    """What a person's CalDAV account needs beside its password (the link's secret)."""

    url: HttpUrl = Field(
        description="The server, the principal, the calendar home or one calendar; the rest is discovered."
    )
    username: str | None = Field(
        default=None, min_length=1, description="User name at the server; not needed with `oauth`."
    )
    auth: Literal["auto", "basic", "digest", "bearer"] = Field(
        default="auto",
        description="How to sign in. `auto`: Basic, or Digest where the server wants that. `bearer`: the secret is"
        " a token.",
    )
    oauth: OAuthSettings | None = Field(
        default=None,
        description="Sign in by access tokens (Google). The link's secret is the refresh token; that of the entry"
        " under `connectors` is the client secret.",
    )
    calendars: dict[str, str | bool] = Field(
        default={},
        description="Which calendars count, by display name or last part of the path, and what each means"
        " to the rules (`work`, `private`, `on-call` …). `true`: its own name. `false`: it does not count. `*`: all"
        " others. If all that is named is `false`, the others count. Empty: every calendar that is not marked"
        " transparent, each meaning its own name.",
    )
    availability: bool = Field(
        default=False,
        description="The availability that the account states (VAVAILABILITY, as in Nextcloud's settings) counts: the"
        " person is out of office outside it.",
    )
    detail: Literal["events", "times"] = Field(
        default="events",
        description="`times`: ask for busy times only (free-busy-query), never for events. Servers are less exact"
        " there: see the page.",
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.username is None and self.oauth is None and self.auth != "bearer":
            raise ValueError("username is needed to sign in with a password")
        return self
