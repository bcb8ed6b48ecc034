"""Takes the events of a Yeastar PBX."""

from connectors.attached import Attached
from connectors.base import Context, Entry, Link
from connectors.directory import Directory
from connectors.extension_link import ExtensionLink
from connectors.ingress import Received, Reply
from connectors.reception import Reception
from connectors.signatures import Signature
from connectors.strangers import Strangers
from connectors.yeastar.mapping import event
from connectors.yeastar.settings import YeastarSettings


class YeastarHub:
    """One PBX."""

    # HMAC-SHA256 over the body with the webhook's secret, in base64.
    reception = Reception(signature=Signature(header="X-Signature", encoding="base64"), max_body=64 * 1024)

    def __init__(self, entry: Entry, settings: YeastarSettings, context: Context) -> None:
        self.directory: Directory[Attached] = Directory()
        self._strangers = Strangers(entry.key)

    async def receive(self, request: Received) -> Reply:
        told = event(request.body)
        found = self.directory.find(told.extension) if told is not None else None
        if told is None:
            return Reply(200)
        if not isinstance(found, YeastarLink):
            self._strangers.seen()
            return Reply(200)
        if told.calls is not None:
            found.calls(told.calls, request.received_at)
        if told.presence is not None:
            await found.chose(told.presence)
        return Reply(200)

    async def close(self) -> None:
        """Nothing of its own to close."""


class YeastarLink(ExtensionLink):
    """One extension."""

    def __init__(self, link: Link, settings: YeastarSettings, context: Context) -> None:
        super().__init__(link, settings, context, [settings.extension])
        self._presence, self._command = settings.presence, context.command

    async def chose(self, presence: str) -> None:
        """The person has chosen a presence at the PBX."""
        state = self._presence.get(presence)
        if state is not None and self._command is not None:
            await self._command(self.link.person, state)
