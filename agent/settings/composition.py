"""How what several publishers say of one person becomes one document."""

from typing import Literal

from pydantic import Field

from agent.settings.fields import Section


class CompositionSettings(Section):
    """How what phones, softphones and the rules publish of one person becomes one document."""

    mode: Literal["merge", "keep-all", "newest-publication"] = Field(
        default="merge",
        description="`merge`: one person, each service once, by rank and then the newest; `keep-all`: everything is "
        "passed on, for watchers that choose themselves; `newest-publication`: the newest alone.",
    )
    unpublished: Literal["closed", "empty"] = Field(
        default="closed",
        description="What watchers of somebody are told of whom nothing is published: one `closed` service, or an "
        "`empty` document.",
    )
