"""A person signs in at Microsoft and lets Lamplighter read: by device code, or by authorization code with PKCE."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from connectors.base import Context, Link
from connectors.consent import CodePrompt, Consented, NotNeeded, PageVisit, sign_in_command
from connectors.errors import AuthFailed
from connectors.microsoft.msal_calls import MsalCalls, Transport
from connectors.microsoft.refusals import sign_in_refused
from connectors.microsoft.settings import MicrosoftSettings, SignIn
from connectors.microsoft.tokens import CACHE, application, credential, read_cache

Result = Mapping[str, Any]
_WAITING = frozenset({"authorization_pending", "slow_down"})
SLOWER = 5.0
"Seconds more between questions when told so (RFC 8628 §3.5)."


class MicrosoftConsent:
    """A `connectors.consent.Consent`."""

    def __init__(
        self,
        link: Link,
        settings: MicrosoftSettings,
        context: Context,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if settings.sign_in is SignIn.APP:
            raise NotNeeded(
                "the administrator has consented for everybody (sign_in: app)",
                advice="Nobody needs to sign in; a mailbox for the person is enough.",
            )
        self._link, self._settings, self._sleep = link, settings, sleep
        self._calls = MsalCalls(context.http)
        self._again = sign_in_command(link)

    async def by_code(self, show: Callable[[CodePrompt], None]) -> Consented:
        """See `connectors.consent.Consent.by_code`. RFC 8628."""
        cache = await self._calls.run(lambda _: read_cache(""))
        scopes = list(self._settings.scopes)
        app, flow = await self._calls.run(lambda transport: self._ask_for_code(transport, cache, scopes))
        if "user_code" not in flow:
            raise sign_in_refused(flow, self._again)
        show(CodePrompt(str(flow["verification_uri"]), str(flow["user_code"]), float(flow["expires_in"])))
        wait = float(flow["interval"])
        # msal would wait by itself, in its thread: it is to ask once only.
        flow["interval"] = 1
        while True:
            await self._sleep(wait)
            result = await self._calls.run(
                lambda _: app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
            )
            error = result.get("error")
            if error not in _WAITING:
                break
            wait += SLOWER if error == "slow_down" else 0.0
        if error in ("expired_token", "code_expired"):
            raise AuthFailed("the code was not entered in time", advice=f"Ask for another: {self._again}")
        return self._consented(result, cache)

    def _ask_for_code(
        self, transport: Transport, cache: Any, scopes: list[str]
    ) -> tuple[Any, dict[str, Any]]:
        # Device codes are for applications without a secret, whatever the entry has.
        app = application(self._settings, transport, None, cache)
        return app, app.initiate_device_flow(scopes=scopes)

    async def begin(self, redirect_uri: str) -> PageVisit:
        """See `connectors.consent.Consent.begin`."""
        hint = self._settings.mailbox or next(iter(self._link.addresses), None)
        flow = await self._calls.run(
            lambda transport: self._application(transport, None).initiate_auth_code_flow(
                list(self._settings.scopes),
                redirect_uri=redirect_uri,
                login_hint=hint,
                # The code in a body, not in an address that stays in histories and logs (RFC 9700 §4.3.1).
                response_mode="form_post",
            )
        )
        return PageVisit(str(flow["auth_uri"]), str(flow["state"]), json.dumps(flow))

    async def finish(self, visit: PageVisit, parameters: Mapping[str, str]) -> Consented:
        """See `connectors.consent.Consent.finish`."""
        cache = await self._calls.run(lambda _: read_cache(""))
        flow = json.loads(visit.kept)
        try:
            result = await self._calls.run(
                lambda transport: self._application(transport, cache).acquire_token_by_auth_code_flow(
                    flow, dict(parameters)
                )
            )
        except ValueError:
            # msal's words for a state or nonce that is not ours.
            raise AuthFailed(
                "what came back does not belong to this attempt", advice=f"Begin again: {self._again}"
            ) from None
        return self._consented(result, cache)

    def _application(self, transport: Transport, cache: Any) -> Any:
        secret = self._link.secret
        given = None if secret is None else credential(secret)
        return application(self._settings, transport, given, cache)

    def _consented(self, result: Result, cache: Any) -> Consented:
        if "access_token" not in result:
            if result.get("error") in ("authorization_declined", "access_denied"):
                raise AuthFailed("the question was answered with no", advice=f"Begin again: {self._again}")
            raise sign_in_refused(result, self._again)
        claims = result.get("id_token_claims") or {}
        return Consented({CACHE: cache.serialize()}, str(claims.get("preferred_username") or ""))

    async def close(self) -> None:
        """See `connectors.consent.Consent.close`."""
        self._calls.close()
