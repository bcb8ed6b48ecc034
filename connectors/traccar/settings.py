"""Settings of the Traccar connector."""

from connectors.location.settings import LocationSettings


class TraccarSettings(LocationSettings):
    """What all location apps have."""
