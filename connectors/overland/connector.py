"""Takes Overland's batches."""

from collections.abc import Callable, Iterable

from connectors.ingress import Received, Reply
from connectors.location.hub import LocationHub
from connectors.location.link import LocationLink
from connectors.location.report import Told
from connectors.overland.mapping import told_by
from connectors.reception import Reception


class OverlandHub(LocationHub):
    """Of one entry."""

    # A thousand points are 600 kB.
    reception = Reception(methods=("POST", "GET"), secret_opens=True)
    # Exactly this, or the app keeps the batch and sends it again.
    answer = Reply(200, b'{"result":"ok"}')

    def understand(self, request: Received, secret: Callable[[Iterable[str]], str | None]) -> Iterable[Told]:
        return told_by(request)


class OverlandLink(LocationLink):
    """One person's phones."""
