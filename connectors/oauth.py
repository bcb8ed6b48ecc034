"""Access tokens by a refresh token (RFC 6749 §6), and getting the first one by a page (§4.1 with PKCE, RFC 7636)."""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from connectors.access_token import EARLY, KeptToken
from connectors.base import Context
from connectors.consent import CodePrompt, Consented, NoCodes, PageVisit
from connectors.errors import AuthFailed, BadData
from connectors.http import Response, expect

MAX_ANSWER = 64 * 1024
_SIGN_IN_AGAIN = "Sign in again: `lamplighter link`."


class OAuthSettings(BaseModel):
    """Where a provider gives tokens, and who we are to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token_url: HttpUrl = Field(description="Where tokens are given.")
    authorize_url: HttpUrl | None = Field(None, description="The page at which a person agrees.")
    client_id: str = Field(min_length=1, description="Our name at the provider.")
    scope: str = Field("", description="What is asked for, words separated by blanks.")
    parameters: dict[str, str] = Field(
        {}, description="Further parameters of the page's address, such as `access_type: offline`."
    )


class RefreshedToken(KeptToken):
    """The access token of one account; it, and a refresh token that the provider replaced, are kept in
    `Context.secrets`."""

    def __init__(
        self, settings: OAuthSettings, context: Context, refresh_token: str | None, client_secret: str | None
    ) -> None:
        """``refresh_token``: as the link was given it; None: what a person agreed to is in `Context.secrets`."""
        super().__init__(context.clock)
        self._settings, self._context = settings, context
        self._refresh_token, self._client_secret = refresh_token, client_secret

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """See `KeptToken.acquire`."""
        kept, now = self._context.secrets, self._context.clock.wall()
        until = float(kept.get("access_token_until", "0"))
        if not renew and until > now + EARLY:
            return kept["access_token"], until - now
        refresh = kept.get("refresh_token") or self._refresh_token
        if not refresh:
            raise AuthFailed("nobody has signed in yet", advice=_SIGN_IN_AGAIN)
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        given = _kept(await _ask(self._context, self._settings, self._client_secret, form), now)
        kept.update(given)
        return given["access_token"], float(given["access_token_until"]) - now


@dataclass(slots=True)
class PageConsent:
    """One sign-in by the provider's page: a `connectors.consent.Consent`."""

    settings: OAuthSettings
    context: Context
    client_secret: str | None = field(repr=False)

    async def by_code(self, show: Callable[[CodePrompt], None]) -> Consented:
        """There is no address for that in the settings."""
        raise NoCodes("this provider is not asked for codes", advice="Sign in by a page in the browser.")

    async def begin(self, redirect_uri: str) -> PageVisit:
        """The address to open."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scope,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **self.settings.parameters,
        }
        kept = json.dumps({"verifier": verifier, "redirect_uri": redirect_uri})
        return PageVisit(f"{self.settings.authorize_url}?{urlencode(query)}", state, kept)

    async def finish(self, visit: PageVisit, parameters: Mapping[str, str]) -> Consented:
        """Raises `AuthFailed` when the person did not agree."""
        if not secrets.compare_digest(parameters.get("state", ""), visit.state):
            raise AuthFailed("what came back belongs to another sign-in", advice="Begin again.")
        if "code" not in parameters:
            refusal = parameters.get("error", "no code")[:60]
            raise AuthFailed(f"the provider's page did not agree ({refusal})", advice="Begin again.")
        kept = json.loads(visit.kept)
        form = {
            "grant_type": "authorization_code",
            "code": parameters["code"],
            "redirect_uri": kept["redirect_uri"],
            "code_verifier": kept["verifier"],
        }
        given = await _ask(self.context, self.settings, self.client_secret, form)
        if "refresh_token" not in given:
            raise BadData("the provider gave no refresh token")
        return Consented(_kept(given, self.context.clock.wall()), "")

    async def close(self) -> None:
        """Nothing to close."""


async def _ask(
    context: Context, settings: OAuthSettings, client_secret: str | None, form: Mapping[str, str]
) -> dict[str, Any]:
    """The token endpoint's answer (RFC 6749 §5)."""
    sent = {**form, "client_id": settings.client_id}
    if client_secret is not None:
        sent["client_secret"] = client_secret
    response = await context.http.request(
        "POST",
        str(settings.token_url),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode(sent).encode(),
        max_body=MAX_ANSWER,
        follow=False,
    )
    if response.status in (400, 401):
        raise AuthFailed(f"the provider gives no token ({_refusal(response)})", advice=_SIGN_IN_AGAIN)
    given = _json(expect(response, 200))
    if not isinstance(given.get("access_token"), str):
        raise BadData("the provider's answer holds no token")
    return given


def _kept(given: Mapping[str, Any], now: float) -> dict[str, str]:
    """What of an answer goes into `Context.secrets`."""
    lifetime = given.get("expires_in")
    seconds = (
        float(lifetime) if isinstance(lifetime, int | float | str) and str(lifetime).isdecimal() else 300.0
    )
    kept = {"access_token": str(given["access_token"]), "access_token_until": str(now + seconds)}
    if isinstance(given.get("refresh_token"), str):
        kept["refresh_token"] = given["refresh_token"]
    return kept


def _refusal(response: Response) -> str:
    """`invalid_grant` and the like (RFC 6749 §5.2)."""
    try:
        return str(_json(response).get("error", response.status))[:60]
    except BadData:
        return str(response.status)


def _json(response: Response) -> dict[str, Any]:
    try:
        found = json.loads(response.body)
    except ValueError:
        raise BadData("the provider's answer is not JSON") from None
    if not isinstance(found, dict):
        raise BadData("the provider's answer is not a JSON object")
    return found
