"""Access tokens for Google: a service account's, acting for somebody, or a person's own.

Source: developers.google.com/identity/protocols/oauth2/service-account (RFC 7523), …/oauth2/web-server (RFC 6749).
"""

import base64
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.access_token import KeptToken
from connectors.base import Clock
from connectors.errors import AuthFailed, BadData, Misconfigured, Unreachable
from connectors.google.refusals import sign_in_refused
from connectors.http import Http, retry_after

REFRESH = "google-refresh-token"
"Key in `Context.secrets`."
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


def application(client_id: str | None, secret: str | None) -> tuple[str, str]:
    """Client id and client secret. Raises `Misconfigured`."""
    if client_id is None:
        raise Misconfigured(
            "the application that people sign in to is not set up (client_id)",
            advice="It stands in an entry under `connectors`; see this connector's page.",
        )
    return client_id, client_secret(secret)


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
        answer = await ask_for_token(
            self._http, self._url, {"grant_type": _JWT_BEARER, "assertion": assertion}
        )
        return good(answer, "")


class PersonTokens(KeptToken):
    """By the refresh token in ``secrets``. ``again``: how to sign in anew."""

    def __init__(
        self,
        http: Http,
        url: str,
        client: tuple[str, str],
        secrets: MutableMapping[str, str],
        clock: Clock,
        again: str,
    ) -> None:
        super().__init__(clock)
        self._http, self._url, self._client = http, url, client
        self._secrets, self._again = secrets, again

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """See `KeptToken.acquire`."""
        refresh = self._secrets.get(REFRESH)
        if not refresh:
            raise AuthFailed("nobody has signed in at Google for this yet", advice=f"Sign in: {self._again}")
        form = {"grant_type": "refresh_token", "refresh_token": refresh, **client_form(self._client)}
        answer = await ask_for_token(self._http, self._url, form)
        token = good(answer, self._again)
        if answer.get("refresh_token"):
            self._secrets[REFRESH] = str(answer["refresh_token"])
        return token


def client_form(client: tuple[str, str]) -> dict[str, str]:
    """Client id, and client secret if there is one."""
    id_, secret = client
    return {"client_id": id_, **({"client_secret": secret} if secret else {})}


async def ask_for_token(http: Http, url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """The token endpoint's answer, refusals among it."""
    response = await http.request(
        "POST",
        url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode(form).encode(),
        max_body=64 * 1024,
        follow=False,
    )
    if response.status == 429 or response.status >= 500:
        host = urlsplit(url).hostname
        raise Unreachable(f"{host} answered {response.status}", retry_after=retry_after(response))
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise BadData("Google's sign-in answered with something that is no sign-in")
    return answer


def good(answer: Mapping[str, Any], again: str) -> tuple[str, float]:
    """Token and seconds. Raises what `sign_in_refused` says."""
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token:
        raise sign_in_refused(answer, again)
    return token, float(seconds) if isinstance(seconds, int | float) else 0.0


def _packed(given: Mapping[str, Any]) -> str:
    return _base64(json.dumps(given, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
