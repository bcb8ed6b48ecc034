"""Settings of the Home Assistant connector."""

from connectors.location.settings import LocationSettings


class HomeAssistantSettings(LocationSettings):
    """What all location apps have."""
