"""Access tokens for Microsoft Graph: the application's own, or a person's."""

import json
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from connectors.access_token import KeptToken
from connectors.base import Clock
from connectors.errors import AuthFailed, Misconfigured
from connectors.microsoft.msal_calls import MsalCalls, Transport, msal
from connectors.microsoft.refusals import sign_in_refused
from connectors.microsoft.settings import MicrosoftSettings

CACHE = "microsoft-token-cache"
"Key in `Context.secrets`: msal's cache of one account, refresh token included."


class AppTokens(KeptToken):
    """Client credentials, by secret or certificate: one token for the whole organisation."""

    def __init__(
        self, calls: MsalCalls, settings: MicrosoftSettings, secret: str | None, clock: Clock
    ) -> None:
        super().__init__(clock)
        if secret is None:
            raise Misconfigured(
                "the application's secret is missing",
                advice="Give the entry a client secret, or a certificate with its private key (PEM).",
            )
        self._calls, self._settings, self._credential = calls, settings, credential(secret)
        self._app: Any = None

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """See `KeptToken.acquire`."""
        return _good(await self._calls.run(lambda transport: self._ask(transport, renew)), "")

    def _ask(self, transport: Transport, renew: bool) -> Mapping[str, Any]:
        if self._app is None:
            self._app = application(self._settings, transport, self._credential, None)
        elif renew:
            self._app.remove_tokens_for_client()
        result: Mapping[str, Any] = self._app.acquire_token_for_client(
            scopes=[f"{self._settings.hosts.graph}/.default"]
        )
        return result


class PersonTokens(KeptToken):
    """What a person consented to, renewed by the refresh token in ``secrets``. ``again``: how to sign in anew."""

    def __init__(
        self,
        calls: MsalCalls,
        settings: MicrosoftSettings,
        secret: str | None,
        secrets: MutableMapping[str, str],
        clock: Clock,
        again: str,
    ) -> None:
        super().__init__(clock)
        self._calls, self._settings, self._secrets, self._again = calls, settings, secrets, again
        self._credential = None if secret is None else credential(secret)

    async def acquire(self, renew: bool) -> tuple[str, float]:
        """See `KeptToken.acquire`."""
        cache = self._secrets.get(CACHE)
        if not cache:
            raise AuthFailed(
                "nobody has signed in at Microsoft for this yet", advice=f"Sign in: {self._again}"
            )
        result, changed = await self._calls.run(lambda transport: self._ask(transport, cache, renew))
        if changed is not None:
            self._secrets[CACHE] = changed
        if result is None:
            raise AuthFailed("the sign-in at Microsoft is gone", advice=f"Sign in again: {self._again}")
        return _good(result, self._again)

    def _ask(
        self, transport: Transport, kept: str, renew: bool
    ) -> tuple[Mapping[str, Any] | None, str | None]:
        """The result, and the cache if it is another now."""
        cache = read_cache(kept)
        app = application(self._settings, transport, self._credential, cache)
        accounts = app.get_accounts()
        result = app.acquire_token_silent_with_error(
            list(self._settings.scopes), account=accounts[0] if accounts else None, force_refresh=renew
        )
        return result, cache.serialize() if cache.has_state_changed else None


def _good(result: Mapping[str, Any], again: str) -> tuple[str, float]:
    if "access_token" not in result:
        raise sign_in_refused(result, again)
    return str(result["access_token"]), float(result.get("expires_in") or 0)


def application(
    settings: MicrosoftSettings, transport: Transport, given: str | dict[str, str] | None, cache: Any
) -> Any:
    """An msal application; looks up the organisation's addresses. Raises `Misconfigured`."""
    library = msal()
    made: Callable[..., Any] = (
        library.PublicClientApplication if given is None else library.ConfidentialClientApplication
    )
    try:
        return made(
            settings.client_id,
            authority=f"{settings.hosts.login}/{settings.tenant}",
            http_client=transport,
            # The cloud is named in the settings; nobody else is asked whether it exists.
            instance_discovery=False,
            token_cache=cache,
            **({} if given is None else {"client_credential": given}),
        )
    except (ValueError, KeyError):
        raise Misconfigured(
            "Microsoft's sign-in does not know the organisation, or the certificate cannot be read",
            advice="Check tenant, cloud, and the secret.",
        ) from None


def read_cache(kept: str) -> Any:
    """msal's cache of one account. One that cannot be read is empty."""
    cache = msal().SerializableTokenCache()
    try:
        readable = isinstance(json.loads(kept), dict)
    except ValueError:
        readable = False
    cache.deserialize(kept if readable else "{}")
    return cache


def credential(secret: str) -> str | dict[str, str]:
    """A client secret as it is; a PEM text as its certificate and private key."""
    if "-----BEGIN" not in secret:
        return secret.strip()
    certificate = _block(secret, "CERTIFICATE")
    key = _block(secret, "PRIVATE KEY")
    if certificate is None or key is None:
        raise Misconfigured(
            "the secret looks like a certificate, and its private key or the certificate itself is missing",
            advice="Put both into one PEM text, the key without a passphrase.",
        )
    return {"private_key": key, "public_certificate": certificate}


def _block(pem: str, kind: str) -> str | None:
    """The first block whose label ends in ``kind`` (`RSA PRIVATE KEY`)."""
    for part in pem.split("-----BEGIN ")[1:]:
        label, _, rest = part.partition("-----")
        if label.endswith(kind):
            body, end, _ = rest.partition(f"-----END {label}-----")
            return f"-----BEGIN {label}-----{body}-----END {label}-----\n" if end else None
    return None
