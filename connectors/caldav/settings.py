"""Settings of a CalDAV link."""

from datetime import timedelta
from typing import Self

from pydantic import Field, HttpUrl, model_validator

from connectors.settings import Duration, PollSettings


class CalDavSettings(PollSettings):
    """What a person's CalDAV account needs beside its password (the link's secret)."""

    url: HttpUrl = Field(
        description="The server, the principal, the calendar home or one calendar; the rest is discovered."
    )
    username: str = Field(min_length=1, description="User name at the server.")
    calendars: dict[str, str] = Field(
        default={},
        description="Which calendars count, by display name or last part of the path, and what each means"
        " to the rules (`work`, `private`, `on-call` …). Empty: every calendar that is not marked transparent,"
        " each meaning its own name.",
    )
    whole_days_count: bool = Field(
        default=False, description="Whole-day events that say nothing of busy or free are busy."
    )
    past: Duration = Field(
        default=timedelta(hours=1), ge=timedelta(0), le=timedelta(days=7), description="Window before now."
    )
    ahead: Duration = Field(
        default=timedelta(hours=48),
        ge=timedelta(hours=1),
        le=timedelta(days=31),
        description="Window after now: how long an unreachable server's future is known.",
    )

    @model_validator(mode="after")
    def _known_future_covers_staleness(self) -> Self:
        if self.ahead < self.stale_after:
            raise ValueError("ahead must not be shorter than stale_after")
        return self
