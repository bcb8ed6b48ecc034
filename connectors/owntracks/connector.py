"""Takes OwnTracks' messages over HTTP, and over MQTT if a broker is named."""

import asyncio
from collections.abc import Callable, Iterable

from connectors.base import Context, Entry
from connectors.errors import BadData
from connectors.ingress import Received, Reply
from connectors.location.hub import LocationHub
from connectors.location.link import LocationLink
from connectors.location.report import Told
from connectors.owntracks.mapping import messages
from connectors.owntracks.settings import OwnTracksSettings
from connectors.reception import Reception


class OwnTracksHub(LocationHub):
    """Of one entry."""

    reception = Reception(secret_opens=True, max_body=256 * 1024)
    # A JSON array of messages for the app: none. Anything but 2xx is sent again, so that this is also the answer to
    # what makes no sense.
    answer = Reply(200, b"[]")

    def __init__(self, entry: Entry, settings: OwnTracksSettings, context: Context) -> None:
        super().__init__(entry, settings, context)
        self._owntracks = settings
        self._closed = asyncio.Event()

    def understand(self, request: Received, secret: Callable[[Iterable[str]], str | None]) -> Iterable[Told]:
        user = request.headers.get("x-limit-u") or request.parameter("u") or request.user
        device = request.headers.get("x-limit-d") or request.parameter("d") or ""
        return messages(request.body, (user,) if user else (), device, secret)

    async def run(self, heard: Callable[[], None]) -> None:
        if self._owntracks.broker is None:
            await self._closed.wait()
            return
        # Imported late: most use HTTP.
        from connectors.owntracks.mqtt import follow

        await follow(self._owntracks, self.entry.secret, self._on_message, heard, self._closed)

    def _on_message(self, topic: str, payload: bytes) -> None:
        parts = topic.split("/")
        if len(parts) < 3:
            return
        names = (f"{parts[1]}/{parts[2]}", parts[1])
        try:
            for told in messages(payload, names, parts[2], lambda of: self._secret(None, of)):
                self.tell(told)
        except BadData:
            return  # of others who share the broker

    async def close(self) -> None:
        self._closed.set()


class OwnTracksLink(LocationLink):
    """One person's phones."""
