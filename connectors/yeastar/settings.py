"""Settings of the Yeastar connector."""

from pydantic import Field

from connectors.extension_link import ExtensionSettings


class YeastarSettings(ExtensionSettings):
    """The entry's secret is that of the webhook."""

    extension: str = Field(
        default="", description="The person's extension, e.g. `{sip.user}`; at the entry or at the link."
    )
    presence: dict[str, str] = Field(
        default_factory=dict,
        description="States of ours that presence chosen at the PBX chooses, e.g. `{do_not_disturb: dnd, lunch: lunch, "
        "available: auto}`; others choose nothing.",
    )
