"""Settings of a person's computers."""

from datetime import timedelta

from pydantic import Field

from connectors.settings import Duration, LinkSettings


class ComputerSettings(LinkSettings):
    """One link holds for all computers of a person; each has its own token."""

    heartbeats: int = Field(
        default=3,
        ge=2,
        le=20,
        description="So many heartbeats in a row have to be missing before a computer is unknown (asleep, off the "
        "network). It is never taken for idle.",
    )
    most: int = Field(default=8, ge=1, le=50, description="Computers of one person that are kept in mind.")
    stale_after: Duration = Field(
        default=timedelta(minutes=15),
        gt=timedelta(0),
        description="The same for a reporter that does not say how often it reports.",
    )
