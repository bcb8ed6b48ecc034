"""Settings of an iCalendar feed."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, HttpUrl

from connectors.ical.window import CalendarSettings
from connectors.settings import Duration


def web_address(text: Any) -> Any:
    """`webcal://` and `webcals://` are https."""
    if isinstance(text, str):
        for scheme in ("webcal://", "webcals://"):
            if text.lower().startswith(scheme):
                return f"https://{text[len(scheme) :]}"
    return text


FeedUrl = Annotated[HttpUrl, BeforeValidator(web_address)]


class IcsFeedSettings(CalendarSettings):
    """A feed's address is often a secret itself: then leave ``url`` out and give it as the link's secret."""

    url: FeedUrl | None = Field(
        default=None,
        description="Address of the feed (https or webcal). Left out: the secret is the address.",
    )
    username: str | None = Field(
        default=None, description="User name, for feeds that want one; the secret is then the password."
    )
    calendar: str = Field(
        default="", description="What the calendar means to the rules (`work`, `private` …)."
    )
    interval: Duration = Field(
        default=timedelta(minutes=10),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="How often the feed is asked whether it changed. Each wait varies by a tenth.",
    )
