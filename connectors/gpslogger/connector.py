"""Takes what GPSLogger sends."""

from collections.abc import Callable, Iterable

from connectors.gpslogger.mapping import told_by
from connectors.ingress import Received, Reply
from connectors.location.hub import LocationHub
from connectors.location.link import LocationLink
from connectors.location.report import Told
from connectors.reception import Reception


class GpsLoggerHub(LocationHub):
    """Of one entry."""

    reception = Reception(methods=("GET", "POST", "PUT"), secret_opens=True)
    answer = Reply(200, b"", "text/plain")

    def understand(self, request: Received, secret: Callable[[Iterable[str]], str | None]) -> Iterable[Told]:
        return told_by(request)


class GpsLoggerLink(LocationLink):
    """One person's phones."""
