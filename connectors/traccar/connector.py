"""Takes what Traccar's client, apps that speak like it, and a Traccar server send."""

from collections.abc import Callable, Iterable

from connectors.ingress import Received, Reply
from connectors.location.hub import LocationHub
from connectors.location.link import LocationLink
from connectors.location.report import Told
from connectors.reception import Reception
from connectors.traccar.mapping import told_by


class TraccarHub(LocationHub):
    """Of one entry."""

    reception = Reception(methods=("GET", "POST"), secret_opens=True, max_body=256 * 1024)
    answer = Reply(200, b"", "text/plain")

    def understand(self, request: Received, secret: Callable[[Iterable[str]], str | None]) -> Iterable[Told]:
        return told_by(request)


class TraccarLink(LocationLink):
    """One person's devices."""
