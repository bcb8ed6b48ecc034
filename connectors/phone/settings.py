"""Settings of a desk phone."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from connectors.settings import Duration, LinkSettings


class Vendor(StrEnum):
    """Whose phones we write configurations for. All others work by hand: every phone sends what it is told to."""

    YEALINK = "yealink"
    GRANDSTREAM = "grandstream"
    SNOM = "snom"
    FANVIL = "fanvil"
    MITEL = "mitel"
    GIGASET = "gigaset"
    POLY = "poly"


class PhoneSettings(LinkSettings):
    """A person's phone. Who speaks is known by the token in the address that it calls."""

    vendor: Vendor | None = Field(
        default=None,
        description="Makes answers to keys show on the display (`yealink`, `snom`), and chooses what "
        "`lamplighter phones provision` writes.",
    )
    device: str = Field(default="desk phone", description="How rules and watchers call this phone.")
    dnd_state: str | None = Field(
        default="dnd",
        description="The state that the phone's own do-not-disturb key chooses; switching it off takes it back. "
        "`null`: the key means nothing.",
    )
    longest_call: Duration = Field(
        default=timedelta(hours=4),
        gt=timedelta(0),
        le=timedelta(days=2),
        description="A call of which nothing was heard for this long is unknown: its end may have been lost.",
    )
    stale_after: Duration = Field(
        default=timedelta(hours=12),
        gt=timedelta(0),
        description="A phone that has called no address for this long is unknown: it may be unplugged.",
    )
