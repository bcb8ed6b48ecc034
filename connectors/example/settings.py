"""Settings of the example connector. Field descriptions become the reference page."""

from pydantic import Field, HttpUrl

from connectors.settings import PollSettings


class ExampleSettings(PollSettings):
    """`interval`, `timeout` and `stale_after` come from the base class."""

    url: HttpUrl = Field(description="Where the JSON object is: zone, since, tags.")
    tags: tuple[str, ...] = Field(default=(), description="Tags that every place from here gets besides.")
