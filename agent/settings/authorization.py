"""Who may watch whom, as far as the administrator says it for everybody."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from agent.settings.fields import Domain, Section
from connectors.settings import Duration

Decision = Literal["allow", "confirm", "polite-block", "block"]


class AuthorizationSettings(Section):
    """Who may watch whom. Everybody may watch themselves."""

    default: Decision = Field(
        default="allow",
        description="What holds for watchers of whom nothing else is said: `allow`; `block` (403); `confirm` (they "
        "wait, and are told nothing); `polite-block` (they are told *unavailable* for ever, and cannot tell why).",
    )
    domains: dict[Domain, Decision] = Field(
        default_factory=dict, description="The same for watchers of one domain, e.g. `{example.com: block}`."
    )
    pending_for: Duration = Field(
        default=timedelta(days=1),
        ge=timedelta(seconds=60),
        description="How long a watcher may wait for a decision before the subscription ends (a change "
        "waits for a restart).",
    )
