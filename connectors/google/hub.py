"""What all links of one entry share: the registered application, its limits, batches and push."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

from connectors.access_token import AccessTokens
from connectors.base import Context, Entry, Link
from connectors.batching import Batcher
from connectors.consent import sign_in_command
from connectors.errors import ConnectorError, Misconfigured
from connectors.google.calendar_api import FREE_BUSY_PATH, MOST_CALENDARS, Json, free_busy_body
from connectors.google.client import AT_ONCE, GoogleClient
from connectors.google.mapping import read_free_busy
from connectors.google.push import Push
from connectors.google.refusals import person_refused
from connectors.google.settings import GoogleSettings, SignIn
from connectors.google.tokens import ServiceTokens, application, client_secret, service_account
from connectors.ical.window import Window
from connectors.ingress import Received, Reply
from connectors.limits import Limits
from connectors.oauth import RefreshedToken
from connectors.reception import Reception

TEND_EVERY = 30.0
"Seconds between looks at the channels."


class GoogleHub:
    """A `connectors.base.Hub`."""

    # Google has no token of ours to show; `Push` knows its channels by their secrets.
    reception = Reception(checks_itself=True, max_body=16 * 1024)

    def __init__(self, entry: Entry, settings: GoogleSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._limits = Limits(context.clock, AT_ONCE, "Google")
        organisation = settings.sign_in is SignIn.ORGANISATION and entry.secret is not None
        self._account = service_account(entry.secret) if organisation else None
        self._soon = asyncio.Event()
        self._closed = False
        self._clients: dict[str, GoogleClient] = {}
        "By account, of an organisation's people who are asked for together."
        self._past = self._ahead = timedelta(0)
        self._together: Batcher[tuple[Json, ...]] | None = (
            Batcher(self._ask_free_busy, most=MOST_CALENDARS, clock=context.clock) if organisation else None
        )
        self.push: Push | None = None
        if settings.notifications and context.callback_url is not None:
            self.push = Push(context.callback_url, context.secrets, context.clock, self._soon.set)

    def client(self, link: Link, settings: GoogleSettings, context: Context, account: str) -> GoogleClient:
        """Signs in for one account."""
        http, url = self._context.http, str(settings.endpoints.token)
        tokens: AccessTokens
        if settings.sign_in is SignIn.ORGANISATION:
            if self._account is None:
                raise Misconfigured(
                    "the service account that reads for everybody is not set up (sign_in: organisation)",
                    advice="Its key is the secret of an entry under `connectors`; see this connector's page.",
                )
            tokens = ServiceTokens(http, url, self._account, account, settings.scope, context.clock)
        else:
            again = sign_in_command(link)
            tokens = RefreshedToken(
                application(settings),
                context,
                None,
                client_secret(link.secret),
                again=again,
                refuse=lambda answer: person_refused(answer, again),
            )
        return GoogleClient(http, str(settings.endpoints.api), tokens, self._limits, account)

    def free_busy(
        self, client: GoogleClient, account: str, calendars: list[str], settings: GoogleSettings
    ) -> Batcher[tuple[Json, ...]]:
        """Who asks when these calendars are busy: everybody together in an organisation, else each for themselves."""
        self._past, self._ahead = max(self._past, settings.past), max(self._ahead, settings.ahead)
        batcher = self._together
        if batcher is None:

            async def alone(asked: list[str]) -> dict[str, tuple[Json, ...] | ConnectorError]:
                return await self._query(client, asked)

            batcher = Batcher(alone, most=MOST_CALENDARS, clock=self._context.clock)
        for calendar in calendars:
            self._clients[calendar] = client
            batcher.join(calendar, settings.interval.total_seconds())
        return batcher

    def leave(self, calendars: list[str]) -> None:
        """Nobody asks for these any more."""
        if self._together is not None:
            for calendar in calendars:
                self._together.leave(calendar)

    async def _ask_free_busy(self, calendars: list[str]) -> dict[str, tuple[Json, ...] | ConnectorError]:
        return await self._query(self._clients[calendars[0]], calendars)

    async def _query(
        self, client: GoogleClient, calendars: list[str]
    ) -> dict[str, tuple[Json, ...] | ConnectorError]:
        now = self._context.clock.now()
        window = Window(now - self._past, now + self._ahead)
        answer = await client.send("POST", FREE_BUSY_PATH, free_busy_body(calendars, window))
        return read_free_busy(answer, calendars)

    async def run(self, heard: Callable[[], None]) -> None:
        """Keep the channels open."""
        while not self._closed:
            self._soon.clear()
            if self.push is not None:
                await self.push.tend()
            heard()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TEND_EVERY):
                    await self._soon.wait()

    async def receive(self, request: Received) -> Reply:
        """What Google sends."""
        return Reply(404) if self.push is None else self.push.receive(request)

    async def close(self) -> None:
        """The last link has gone or the service stops."""
        self._closed = True
        self._soon.set()
