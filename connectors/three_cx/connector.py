"""Follows a 3CX: signs in, asks for all calls, then listens for what changes."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import urlencode

from connectors.access_token import KeptToken
from connectors.attached import Attached
from connectors.base import Context, Entry, Link
from connectors.directory import Directory
from connectors.errors import AuthFailed, BadData, NotFound
from connectors.extension_link import ExtensionLink
from connectors.http import expect
from connectors.three_cx.mapping import Board, Event, EventType, event, sequence_of
from connectors.three_cx.settings import ThreeCxSettings

RECONCILE = 120.0
"Seconds between two questions for everything, whatever was heard meanwhile."


class Token(KeptToken):
    """By client credentials (RFC 6749 §4.4)."""

    def __init__(self, base: str, client_id: str, secret: str | None, context: Context) -> None:
        super().__init__(context.clock)
        self._url, self._id, self._secret, self._http = (
            f"{base}/connect/token",
            client_id,
            secret,
            context.http,
        )

    async def acquire(self, renew: bool) -> tuple[str, float]:
        if self._secret is None:
            raise AuthFailed("there is no API key", advice="Give the entry a `password_file`.")
        form = {"grant_type": "client_credentials", "client_id": self._id, "client_secret": self._secret}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self._http.request(
            "POST", self._url, headers=headers, body=urlencode(form).encode(), max_body=65536, follow=False
        )
        if answer.status in (400, 401, 403):
            raise AuthFailed("3CX does not accept the client ID and API key")
        try:
            document = json.loads(expect(answer, 200).body)
            return str(document["access_token"]), float(document.get("expires_in", 3600))
        except (ValueError, KeyError, TypeError):
            raise BadData("3CX gave no token") from None


class ThreeCxHub:
    """One PBX."""

    def __init__(self, entry: Entry, settings: ThreeCxSettings, context: Context) -> None:
        self._base = str(settings.url).rstrip("/")
        self._http, self._clock = context.http, context.clock
        self._token = Token(self._base, settings.client_id, entry.secret, context)
        self.directory: Directory[Attached] = Directory()
        self._board = Board()
        self._closed = asyncio.Event()
        self._sequence: int | None = None

    async def run(self, heard: Callable[[], None]) -> None:
        """See `connectors.base.Hub.run`."""
        authorization = f"Bearer {await self._token.token()}"
        # The stream first: what changes while everything is being asked must not be missed.
        async with self._http.websocket(f"{self._base}/callcontrol/ws", authorization) as messages:
            await self._everything()
            heard()
            self._sequence = None
            due = self._clock.monotonic() + RECONCILE
            while not self._closed.is_set():
                text = await messages.text(1.0)
                if text is not None:
                    await self._changed(text)
                if self._clock.monotonic() >= due:
                    await self._everything()
                    heard()
                    due = self._clock.monotonic() + RECONCILE

    async def close(self) -> None:
        self._closed.set()

    async def _changed(self, text: str) -> None:
        number = sequence_of(text)
        missed = number is not None and self._sequence is not None and number > self._sequence + 1
        self._sequence = number if number is not None else self._sequence
        if missed:
            await self._everything()
            return
        told = event(text)
        if told is not None:
            await self._ask_about(told)
            self._tell(told.extension)

    async def _ask_about(self, told: Event) -> None:
        if told.type is EventType.REMOVE:
            self._board.remove(told.extension, told.participant)
            return
        try:
            self._board.put(told.extension, await self._get(told.path))
        except NotFound:
            self._board.remove(told.extension, told.participant)  # over before we could ask

    async def _everything(self) -> None:
        self._board.replace(await self._get("/callcontrol"))
        for one in self.directory:
            if isinstance(one, ThreeCxLink):
                self._tell(one.extension)

    def _tell(self, extension: str) -> None:
        found = self.directory.find(extension)
        if isinstance(found, ThreeCxLink):
            found.calls(self._board.calls(extension), self._clock.now())

    async def _get(self, path: str) -> bytes:
        for attempt in (1, 2):
            authorization = f"Bearer {await self._token.token()}"
            answer = await self._http.request("GET", self._base + path, authorization=authorization)
            if answer.status == 401 and attempt == 1:
                self._token.refused()
                continue
            return expect(answer, 200).body
        raise AssertionError("unreachable")


class ThreeCxLink(ExtensionLink):
    """One extension."""

    def __init__(self, link: Link, settings: ThreeCxSettings, context: Context) -> None:
        super().__init__(link, settings, context, [settings.extension])
        self.extension = settings.extension
