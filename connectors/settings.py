"""Settings that links of every connector have, and how durations are written. Pure."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*")
PACE = ("interval", "stale_after", "timeout")
"Settings of a link that leave the account the same."
ACCOUNT = frozenset(
    {
        "url", "username", "account", "mailbox", "user", "host", "port", "tenant", "client_id", "cloud", "oauth",
        "endpoints",
    }
)  # fmt: skip
"Settings that say which account a link is of, whatever the connector: another value is another account."
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: Any) -> Any:
    """`90s`, `5m`, `4h`, `1h30m`, `2d` or a number of seconds → timedelta; anything else is left to pydantic."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return timedelta(seconds=text)
    if not isinstance(text, str) or not text.strip():
        return text
    total, position = 0.0, 0
    while position < len(text):
        part = _DURATION.match(text, position)
        if part is None:
            raise ValueError("expected a duration such as 90s, 5m, 4h or 1h30m")
        total += float(part[1]) * _SECONDS[part[2]]
        position = part.end()
    return timedelta(seconds=total)


def at_key(key: str, message: str) -> PydanticCustomError:
    """A mistake found by looking at a whole section, to be shown at one of its keys."""
    return PydanticCustomError("at_key", "{message}", {"key": key, "message": message})


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class LinkSettings(BaseModel):
    """Base of every connector's settings model. Unknown keys are errors: they are misspellings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stale_after: Duration = Field(
        default=timedelta(hours=4),
        gt=timedelta(0),
        description="A source that has been silent for this long makes its facts unknown.",
    )
    confidence: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="How sure the source is, 0 to 1. Where several speak of the same phone, the surest one counts.",
    )


class PollSettings(LinkSettings):
    """Base for connectors that poll."""

    interval: Duration = Field(
        default=timedelta(seconds=60),
        ge=timedelta(milliseconds=100),
        le=timedelta(days=1),
        description="How often the source is asked. Each wait varies by a tenth, so that links spread out.",
    )
    adaptive: bool = Field(
        default=False,
        description="Ask twice as often when an event is about to begin or end, half as often in the evening and at the"
        " weekend, and a fifth as often at night (never more seldom than every 15 minutes, if `interval` is shorter).",
    )
    timeout: Duration = Field(
        default=timedelta(seconds=60),
        gt=timedelta(0),
        description="The longest that one poll may take altogether.",
    )
