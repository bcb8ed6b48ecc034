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
from connectors.errors import AuthFailed, BadData, ConnectorError
from connectors.http import Http, Response, expect

MAX_ANSWER = 64 * 1024
LINK = "lamplighter link"
"The command by which people sign in again."

Refuse = Callable[[Mapping[str, Any]], ConnectorError]
"What a refusal of the token endpoint means."


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
        self,
        settings: OAuthSettings,
        context: Context,
        refresh_token: str | None,
        client_secret: str | None,
        *,
        again: str = LINK,
        refuse: Refuse | None = None,
    ) -> None:
        """``refresh_token``: as the link was given it; None: what a person agreed to is in `Context.secrets`.
        ``again``: the command by which the person signs in again."""
        super().__init__(context.clock)
        self._settings, self._context = settings, context
        self._again, self._refuse = again, refuse or refusal(again)
        self._refresh_token, self._client_secret = refresh_token, client_secret

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """See `KeptToken.acquire`."""
        kept, now = self._context.secrets, self._context.clock.wall()
        until = float(kept.get("access_token_until", "0"))
        if not renew and until > now + EARLY:
            return kept["access_token"], until - now
        refresh = kept.get("refresh_token") or self._refresh_token
        if not refresh:
            raise AuthFailed("nobody has signed in yet", advice=f"Sign in: {self._again}")
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        form |= _client(self._settings, self._client_secret)
        url = str(self._settings.token_url)
        given = _kept(await ask_for_token(self._context.http, url, form, self._refuse), now)
        kept.update(given)
        return given["access_token"], float(given["access_token_until"]) - now


@dataclass(slots=True)
class PageConsent:
    """One sign-in by the provider's page: a `connectors.consent.Consent`."""

    settings: OAuthSettings
    context: Context
    client_secret: str | None = field(repr=False)
    again: str = LINK
    "The command by which the person signs in again."
    refuse: Refuse | None = None

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
            raise AuthFailed("what came back belongs to another sign-in", advice=f"Begin again: {self.again}")
        if "code" not in parameters:
            error = parameters.get("error", "no code")[:60]
            raise AuthFailed(
                f"the question was answered with no ({error})", advice=f"Begin again: {self.again}"
            )
        kept = json.loads(visit.kept)
        form = {
            "grant_type": "authorization_code",
            "code": parameters["code"],
            "redirect_uri": kept["redirect_uri"],
            "code_verifier": kept["verifier"],
            **_client(self.settings, self.client_secret),
        }
        url, refuse = str(self.settings.token_url), self.refuse or refusal(self.again)
        given = await ask_for_token(self.context.http, url, form, refuse)
        left_out = set(self.settings.scope.split()) - set(
            str(given.get("scope", self.settings.scope)).split()
        )
        if left_out:
            raise AuthFailed(
                "part of what was asked for was left out of the consent",
                advice=f"Begin again and tick it: {self.again}",
            )
        if "refresh_token" not in given:
            raise BadData("the provider gave no refresh token")
        return Consented(_kept(given, self.context.clock.wall()), "")

    async def close(self) -> None:
        """Nothing to close."""


def _client(settings: OAuthSettings, client_secret: str | None) -> dict[str, str]:
    return {"client_id": settings.client_id, **({"client_secret": client_secret} if client_secret else {})}


async def ask_for_token(http: Http, url: str, form: Mapping[str, str], refuse: Refuse) -> dict[str, Any]:
    """The token endpoint's answer (RFC 6749 §5). Raises what ``refuse`` makes of a refusal."""
    response = await http.request(
        "POST",
        url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode(form).encode(),
        max_body=MAX_ANSWER,
        follow=False,
    )
    if response.status in (400, 401):
        raise refuse(_json(response))
    given = _json(expect(response, 200))
    if not isinstance(given.get("access_token"), str):
        raise BadData("the provider's answer holds no token")
    return given


def refusal(again: str) -> Refuse:
    """The words for any provider: `invalid_grant` and the like (RFC 6749 §5.2)."""

    def refuse(answer: Mapping[str, Any]) -> ConnectorError:
        error = str(answer.get("error", "no reason given"))[:60]
        return AuthFailed(f"the provider gives no token ({error})", advice=f"Sign in again: {again}")

    return refuse


def lifetime(given: Mapping[str, Any]) -> float:
    """Seconds that an access token is good for."""
    seconds = given.get("expires_in")
    return float(seconds) if isinstance(seconds, int | float | str) and str(seconds).isdecimal() else 300.0


def _kept(given: Mapping[str, Any], now: float) -> dict[str, str]:
    """What of an answer goes into `Context.secrets`."""
    kept = {"access_token": str(given["access_token"]), "access_token_until": str(now + lifetime(given))}
    if isinstance(given.get("refresh_token"), str):
        kept["refresh_token"] = given["refresh_token"]
    return kept


def _json(response: Response) -> dict[str, Any]:
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        raise BadData("the provider's answer is not JSON") from None
    if not isinstance(found, dict):
        raise BadData("the provider's answer is not a JSON object")
    return found
