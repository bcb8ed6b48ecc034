"""Takes what the companion app and automations of Home Assistant send."""

from collections.abc import Callable, Iterable

from connectors.home_assistant.mapping import told_by
from connectors.ingress import Received, Reply
from connectors.location.hub import LocationHub
from connectors.location.link import LocationLink
from connectors.location.report import Told
from connectors.reception import Reception


class HomeAssistantHub(LocationHub):
    """Of one entry."""

    reception = Reception(secret_opens=True, max_body=64 * 1024)
    # The app takes anything but 200 for a reason to try again, and 410 for a reason to register anew.
    answer = Reply(200, b"{}")

    def understand(self, request: Received, secret: Callable[[Iterable[str]], str | None]) -> Iterable[Told]:
        return told_by(request, secret)


class HomeAssistantLink(LocationLink):
    """One person's devices."""
