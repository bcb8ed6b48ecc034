"""Settings of the Overland connector."""

from connectors.location.settings import LocationSettings


class OverlandSettings(LocationSettings):
    """What all location apps have."""
