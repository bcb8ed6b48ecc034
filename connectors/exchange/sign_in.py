"""How the service account signs in, for the two ways in which requests leave: awaited, and in threads."""

import functools
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msal
import requests

from connectors.blocking_http import guarded_session, network_error
from connectors.errors import AuthFailed, Misconfigured, Unreachable
from connectors.exchange.settings import ExchangeHubSettings, SignIn
from connectors.http import Http

REFUSED = "the server did not accept the service account's sign-in"
TIMEOUT = 30.0
"Seconds for one answer of the sign-in service."


def basic_authorization(settings: ExchangeHubSettings, secret: str) -> str:
    """RFC 7617 §2.1: UTF-8."""
    return f"Basic {b64encode(f'{settings.username}:{secret}'.encode()).decode()}"


class Tokens:
    """Access tokens by client credentials. ``fresh`` blocks: for threads."""

    def __init__(self, settings: ExchangeHubSettings, secret: str, http: Http) -> None:
        self._settings, self._secret = settings, secret
        self._session = guarded_session(http.allow, http.ca_file)
        self._session.request = functools.partial(self._session.request, timeout=TIMEOUT)  # type: ignore[method-assign]
        self._app: Any = None

    def fresh(self) -> str:
        """A token that is good for minutes at least. Raises `AuthFailed`, or what befell the way there."""
        login = str(self._settings.login).rstrip("/")
        try:
            if self._app is None:
                self._app = self._made(login)
            told: Mapping[str, Any] = self._app.acquire_token_for_client(
                [f"{_origin(self._settings)}/.default"]
            )
        except requests.RequestException as error:
            raise network_error(error, urlsplit(login).hostname or login) from None
        except ValueError as error:  # msal's for an authority that is none
            raise Misconfigured(f"the sign-in service is not usable ({str(error)[:100]})") from None
        if "access_token" not in told:
            raise _refused(told)
        return str(told["access_token"])

    def close(self) -> None:
        """Connections that lie idle."""
        self._session.close()

    def _made(self, login: str) -> Any:
        return msal.ConfidentialClientApplication(
            self._settings.client_id,
            client_credential=self._secret,
            authority=f"{login}/{self._settings.tenant}",
            instance_discovery=False,
            http_client=self._session,
        )


def _origin(settings: ExchangeHubSettings) -> str:
    """The resource: an on-premises server names itself by its address."""
    return f"{settings.url.scheme}://{settings.url.host}"


def _refused(told: Mapping[str, Any]) -> AuthFailed | Unreachable:
    code = str(told.get("error", ""))[:60]
    if code in ("temporarily_unavailable", "server_error"):
        return Unreachable(f"the sign-in service has no answer for now ({code})")
    return AuthFailed(
        f"the sign-in service gives the application no token ({code})",
        advice="Check client_id and tenant, and give a new client secret.",
    )


def needs_secret(settings: ExchangeHubSettings, secret: str | None) -> str:
    """The entry's secret. Raises `Misconfigured` when there is none."""
    if secret is None:
        kind = "client secret" if settings.sign_in is SignIn.OAUTH else "password of the service account"
        raise Misconfigured(
            f"the {kind} is missing", advice="Give it at the connector's entry (`password_file`)."
        )
    return secret
