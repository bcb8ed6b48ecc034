"""Sends SOAP requests of our own writing: awaited where the sign-in is a header, in threads for NTLM."""

import threading
from urllib.parse import urlsplit

import requests
from requests_ntlm import HttpNtlmAuth

from connectors.base import Context
from connectors.blocking_http import guarded_session, network_error
from connectors.errors import AuthFailed
from connectors.exchange.settings import ExchangeHubSettings, SignIn
from connectors.exchange.sign_in import REFUSED, Tokens, basic_authorization
from connectors.http import Response, expect
from connectors.threads import Threads

_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml"}


class Soap:
    """``await send(body)`` gives the answer's body: an envelope, perhaps with a fault."""

    def __init__(
        self, settings: ExchangeHubSettings, secret: str, context: Context, threads: Threads, tokens: Tokens
    ) -> None:
        self._settings, self._secret = settings, secret
        self._http, self._threads, self._tokens = context.http, threads, tokens
        self._url = str(settings.url)
        self._sessions = threading.local()
        self._opened: list[requests.Session] = []

    async def send(self, body: bytes) -> bytes:
        """Raises what fits the status, `AuthFailed` among them."""
        if self._settings.sign_in is SignIn.NTLM:
            return _envelope(await self._threads.run(lambda: self._blocking(body)))
        if self._settings.sign_in is SignIn.OAUTH:
            authorization = f"Bearer {await self._threads.run(self._tokens.fresh)}"
        else:
            authorization = basic_authorization(self._settings, self._secret)
        return _envelope(
            await self._http.request(
                "POST", self._url, headers=_HEADERS, body=body, authorization=authorization
            )
        )

    def _blocking(self, body: bytes) -> Response:
        """NTLM signs in a connection, not a request: each thread keeps its own."""
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = guarded_session(self._http.allow, self._http.ca_file)
            session.auth = HttpNtlmAuth(self._settings.username, self._secret)
            self._sessions.session = session
            self._opened.append(session)
        host = urlsplit(self._url).hostname or ""
        try:
            answer = session.post(
                self._url,
                data=body,
                headers=_HEADERS,
                timeout=self._settings.timeout.total_seconds(),
                allow_redirects=False,
            )
        except PermissionError:  # of requests_ntlm
            raise AuthFailed(REFUSED) from None
        except requests.RequestException as error:
            raise network_error(error, host) from None
        return Response(answer.status_code, answer.headers, answer.content, self._url)

    def close(self) -> None:
        """Connections that lie idle."""
        for session in self._opened:
            session.close()


def _envelope(response: Response) -> bytes:
    if response.status == 401:
        raise AuthFailed(REFUSED)
    if response.status == 500 and b"Envelope" in response.body[:2000]:
        return response.body  # a fault (SOAP 1.1 §6.2)
    return expect(response, 200).body
