"""Access tokens for Google: a service account's, acting for somebody; and what people's own need.

Source: developers.google.com/identity/protocols/oauth2/service-account (RFC 7523).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.access_token import KeptToken
from connectors.base import Clock
from connectors.errors import Misconfigured
from connectors.google.refusals import service_refused
from connectors.google.settings import GoogleSettings
from connectors.http import Http
from connectors.oauth import OAuthSettings, ask_for_token, lifetime

ASSERTION_LASTS = 3600
"Seconds; Google takes no more."
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The key of one, as Google lets it be downloaded."""

    email: str
    key: RSAPrivateKey = field(repr=False)
    key_id: str

    def assertion(self, *, subject: str, scope: str, audience: str, now: float) -> str:
        """A signed JWT (RS256) by which the account asks to act for ``subject``. ``now``: wall time."""
        issued = int(now)
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        claims = {
            "iss": self.email,
            "sub": subject,
            "scope": scope,
            "aud": audience,
            "iat": issued,
            "exp": issued + ASSERTION_LASTS,
        }
        signed = f"{_packed(header)}.{_packed(claims)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"


def service_account(secret: str | None) -> ServiceAccount:
    """From the JSON of a key file. Raises `Misconfigured`, without a word of it."""
    try:
        given = json.loads(secret or "")
        key = load_pem_private_key(str(given["private_key"]).encode(), None)
        if given.get("type") != "service_account" or not isinstance(key, RSAPrivateKey):
            raise ValueError
        return ServiceAccount(str(given["client_email"]), key, str(given.get("private_key_id", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misconfigured(
            "the secret is not the key of a service account",
            advice="Give the entry the whole JSON file that Google lets you download for a key of it.",
        ) from None


def client_secret(secret: str | None) -> str:
    """The secret of an application: as it is, or out of the JSON file that Google gives. Empty: there is none."""
    text = (secret or "").strip()
    if not text.startswith("{"):
        return text
    try:
        (given,) = json.loads(text).values()
        return str(given["client_secret"])
    except (ValueError, KeyError, TypeError):
        raise Misconfigured("the secret is neither a client secret nor a file that holds one") from None


def application(settings: GoogleSettings) -> OAuthSettings:
    """Which application people sign in to, and what it asks for. Raises `Misconfigured`."""
    if settings.client_id is None:
        raise Misconfigured(
            "the application that people sign in to is not set up (client_id)",
            advice="It stands in an entry under `connectors`; see this connector's page.",
        )
    hint = {} if settings.account is None else {"login_hint": settings.account}
    return OAuthSettings(
        token_url=settings.endpoints.token,
        authorize_url=settings.endpoints.authorize,
        client_id=settings.client_id,
        scope=settings.scope,
        # A refresh token comes with the first consent only, unless it is asked for again.
        parameters={"access_type": "offline", "prompt": "consent", **hint},
    )


class ServiceTokens(KeptToken):
    """For one person, by domain-wide delegation."""

    def __init__(
        self, http: Http, url: str, account: ServiceAccount, subject: str, scope: str, clock: Clock
    ) -> None:
        super().__init__(clock)
        self._http, self._url, self._account = http, url, account
        self._subject, self._scope = subject, scope

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """See `KeptToken.acquire`."""
        assertion = self._account.assertion(
            subject=self._subject, scope=self._scope, audience=self._url, now=self._clock.wall()
        )
        form = {"grant_type": _JWT_BEARER, "assertion": assertion}
        answer = await ask_for_token(self._http, self._url, form, service_refused)
        return str(answer["access_token"]), lifetime(answer)


def _packed(given: Mapping[str, Any]) -> str:
    return _base64(json.dumps(given, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
