"""Settings of the RingCentral connector."""

from pydantic import Field

from connectors.extension_link import ExtensionSettings


class RingCentralSettings(ExtensionSettings):
    """The entry's secret is the verification token that the subscription was made with."""

    extension_id: str = Field(
        default="",
        description="The internal identifier of the person's extension (a long number, not the one that is dialled).",
    )
