"""Takes RingCentral's notifications, and the question with which it makes sure of our address."""

from connectors.attached import Attached
from connectors.base import Context, Entry, Link
from connectors.directory import Directory
from connectors.errors import BadData
from connectors.extension_link import ExtensionLink
from connectors.ingress import Received, Reply
from connectors.reception import Reception
from connectors.ringcentral.mapping import Notice, notice
from connectors.ringcentral.settings import RingCentralSettings
from connectors.strangers import Strangers

VALIDATION = "validation-token"
LONGEST_TOKEN = 500


class RingCentralHub:
    """One account."""

    # The verification token comes as a header of its own, which the ingress knows.
    reception = Reception(secret_opens=True, max_body=256 * 1024)

    def __init__(self, entry: Entry, settings: RingCentralSettings, context: Context) -> None:
        self.directory: Directory[Attached] = Directory()
        self._strangers = Strangers(entry.key)

    async def receive(self, request: Received) -> Reply:
        token = request.headers.get(VALIDATION)
        if token is not None:
            if len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
                raise BadData("this is no validation token")
            return Reply(200, headers={"Validation-Token": token})
        told = notice(request.body, request.received_at)
        found = self.directory.find(told.extension_id) if told is not None else None
        if told is not None and isinstance(found, RingCentralLink):
            found.notified(told)
        elif told is not None:
            self._strangers.seen()
        return Reply(200)

    async def close(self) -> None:
        """Nothing of its own to close."""


class RingCentralLink(ExtensionLink):
    """One extension."""

    def __init__(self, link: Link, settings: RingCentralSettings, context: Context) -> None:
        super().__init__(link, settings, context, [settings.extension_id])
        self._last: tuple[str, int] | None = None

    def notified(self, told: Notice) -> None:
        """Notifications may overtake one another; their numbers say which is newer. Each says all there is, so that one
        that got lost is made good by the next."""
        if told.sequence is not None:
            if (
                self._last is not None
                and self._last[0] == told.subscription
                and told.sequence <= self._last[1]
            ):
                return
            self._last = told.subscription, told.sequence
        if told.calls is not None:
            self.calls(told.calls, told.at)
