"""Settings of the 3CX connector."""

from pydantic import Field, HttpUrl

from connectors.extension_link import ExtensionSettings


class ThreeCxSettings(ExtensionSettings):
    """The entry's secret is the API key of the integration."""

    url: HttpUrl = Field(description="Address of the PBX, e.g. `https://pbx.example.org`.")
    client_id: str = Field(min_length=1, description="Client ID of the integration (Integrations → API).")
    extension: str = Field(
        default="", description="The person's extension, e.g. `{sip.user}`; at the entry or at the link."
    )
