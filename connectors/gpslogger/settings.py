"""Settings of the GPSLogger connector."""

from connectors.location.settings import LocationSettings


class GpsLoggerSettings(LocationSettings):
    """What all location apps have."""
