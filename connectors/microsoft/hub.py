"""What all links of one entry share: the registered application, its token and limits, batches and push."""

import asyncio
import contextlib
from collections.abc import Callable

from connectors.base import Context, Entry, Link
from connectors.consent import sign_in_command
from connectors.errors import Misconfigured
from connectors.ingress import Received, Reply
from connectors.limits import Limits
from connectors.microsoft.client import AT_ONCE, GraphClient
from connectors.microsoft.desk import Desk
from connectors.microsoft.msal_calls import MsalCalls
from connectors.microsoft.push import Push
from connectors.microsoft.settings import MicrosoftEntry, MicrosoftSettings, SignIn
from connectors.microsoft.tokens import AppTokens, PersonTokens
from connectors.reception import Reception

TEND_EVERY = 30.0
"Seconds between looks at the subscriptions."


class MicrosoftHub:
    """A `connectors.base.Hub`."""

    # Microsoft shows no token: notifications are known by the secret that was given with their subscription.
    reception = Reception(checks_itself=True)

    def __init__(self, entry: Entry, settings: MicrosoftEntry, context: Context) -> None:
        self._calls = MsalCalls(context.http)
        self._limits = Limits(context.clock, AT_ONCE, "Microsoft Graph")
        self._soon = asyncio.Event()
        self._closed = False
        self._tokens: AppTokens | None = None
        self._desk: Desk | None = None
        if settings.tenant and settings.sign_in is SignIn.APP:
            self._tokens = AppTokens(self._calls, settings, entry.secret, context.clock)
            client = GraphClient(context.http, settings.hosts.graph, self._tokens, self._limits)
            self._desk = Desk(client, context.clock, personal=False)
        own = self._desk.client if self._desk is not None else None
        self.push: Push | None = None
        if settings.notifications and context.callback_url is not None:
            self.push = Push(context.callback_url, context.secrets, context.clock, self._soon.set, own)

    def desk(self, link: Link, settings: MicrosoftSettings, context: Context) -> Desk:
        """Where a link asks: the organisation's desk, or one of its own."""
        if settings.sign_in is SignIn.APP:
            if self._desk is None:
                raise Misconfigured(
                    "the application that reads for everybody is not set up (sign_in: app)",
                    advice="It stands in an entry under `connectors`; see this connector's page.",
                )
            return self._desk
        again = sign_in_command(link)
        tokens = PersonTokens(self._calls, settings, link.secret, context.secrets, context.clock, again)
        client = GraphClient(context.http, settings.hosts.graph, tokens, self._limits)
        return Desk(client, context.clock, personal=True)

    async def run(self, heard: Callable[[], None]) -> None:
        """Sign in, and keep the subscriptions alive."""
        while not self._closed:
            self._soon.clear()
            if self._tokens is not None:
                await self._tokens.token()
            if self.push is not None:
                await self.push.tend()
            heard()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TEND_EVERY):
                    await self._soon.wait()

    async def receive(self, request: Received) -> Reply:
        """What Microsoft sends."""
        return Reply(404) if self.push is None else self.push.receive(request)

    async def close(self) -> None:
        """The last link has gone or the service stops."""
        self._closed = True
        self._soon.set()
        self._calls.close()
