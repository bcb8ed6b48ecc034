"""Settings of a CalDAV link."""

from pydantic import Field, HttpUrl

from connectors.ical.window import CalendarSettings


class CalDavSettings(CalendarSettings):
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
