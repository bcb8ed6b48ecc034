"""A person signs in at Google and lets Lamplighter read: authorization code with PKCE (RFC 7636)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from connectors.base import Context, Link
from connectors.consent import CodePrompt, Consented, NoCodes, NotNeeded, PageVisit
from connectors.errors import AuthFailed, BadData
from connectors.google.settings import GoogleSettings, SignIn
from connectors.google.tokens import REFRESH, application, ask_for_token, client_form, good


class GoogleConsent:
    """A `connectors.consent.Consent`."""

    def __init__(self, link: Link, settings: GoogleSettings, context: Context) -> None:
        if settings.sign_in is not SignIn.PERSON:
            raise NotNeeded(
                "the administrator has consented for everybody (sign_in: organisation)",
                advice="Nobody needs to sign in; an account for the person is enough.",
            )
        self._link, self._settings, self._http = link, settings, context.http
        self._client = application(settings.client_id, link.secret)
        self._again = f"lamplighter link {link.person} {link.entry.key or link.connector}"

    async def by_code(self, show: Callable[[CodePrompt], None]) -> Consented:
        """Google has codes for some scopes; those of calendars are not among them."""
        raise NoCodes("Google gives no codes for calendars", advice="Sign in by a page in the browser.")

    async def begin(self, redirect_uri: str) -> PageVisit:
        """See `connectors.consent.Consent.begin`."""
        verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(24)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": self._client[0],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": self._settings.scope,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            # A refresh token comes with the first consent only, unless it is asked for again.
            "access_type": "offline",
            "prompt": "consent",
        }
        hint = self._settings.account or next(iter(self._link.addresses), None)
        if hint is not None:
            query["login_hint"] = hint
        kept = json.dumps({"verifier": verifier, "redirect_uri": redirect_uri})
        return PageVisit(f"{self._settings.endpoints.authorize}?{urlencode(query)}", state, kept)

    async def finish(self, visit: PageVisit, parameters: Mapping[str, str]) -> Consented:
        """See `connectors.consent.Consent.finish`."""
        if not hmac.compare_digest(parameters.get("state", "").encode(), visit.state.encode()):
            raise AuthFailed(
                "what came back does not belong to this attempt", advice=f"Begin again: {self._again}"
            )
        if "code" not in parameters:
            raise AuthFailed("the question was answered with no", advice=f"Begin again: {self._again}")
        kept = json.loads(visit.kept)
        form = {
            "grant_type": "authorization_code",
            "code": parameters["code"],
            "code_verifier": kept["verifier"],
            "redirect_uri": kept["redirect_uri"],
            **client_form(self._client),
        }
        answer = await ask_for_token(self._http, str(self._settings.endpoints.token), form)
        good(answer, self._again)
        refresh, scope = answer.get("refresh_token"), str(answer.get("scope") or self._settings.scope)
        if self._settings.scope not in scope.split():
            raise AuthFailed(
                "the calendar was left out of the consent", advice=f"Begin again and tick it: {self._again}"
            )
        if not isinstance(refresh, str):
            raise BadData("Google gave no refresh token")
        return Consented({REFRESH: refresh}, "")

    async def close(self) -> None:
        """See `connectors.consent.Consent.close`."""
