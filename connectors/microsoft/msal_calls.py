"""Calls of `msal`, which waits while it talks: they run in a few threads, and what they send is guarded."""

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests

from connectors.blocking_http import guarded_session, network_error
from connectors.errors import BadData, Unreachable
from connectors.http import Http, Response, retry_after
from connectors.threads import Threads

T = TypeVar("T")

THREADS = 4
"Of one hub. A call takes milliseconds of processor and up to two requests."
TIMEOUT = 30.0
"Seconds for one request."
MAX_ANSWER = 1024 * 1024
"Bytes, unpacked."


class MsalCalls:
    """The threads, and the transport that msal is given as its ``http_client``."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._threads = Threads(THREADS, "msal")
        self._transport = Transport(self._send)
        self._own = threading.local()
        self._opened: list[requests.Session] = []

    async def run(self, call: Callable[["Transport"], T]) -> T:
        """``call`` in a thread. It may take as long as its requests do."""
        return await self._threads.run(lambda: call(self._transport))

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = guarded_session(self._http.allow, self._http.ca_file)
            self._opened.append(session)
        host = urlsplit(url).hostname or "the sign-in"
        try:
            with session.request(
                method, url, headers=headers, data=body, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                content = b""
                for part in answer.iter_content(64 * 1024):
                    content += part
                    if len(content) > MAX_ANSWER:
                        raise BadData(f"{host} answered with more than a sign-in has")
                return Response(answer.status_code, answer.headers, content, url)
        except requests.RequestException as error:
            raise network_error(error, host) from None

    def close(self) -> None:
        """Nothing new begins; connections that lie idle are closed."""
        self._threads.close()
        for session in self._opened:
            session.close()


class Transport:
    """What msal takes for a `requests.Session`."""

    def __init__(self, send: Callable[[str, str, Mapping[str, str], bytes | None], Response]) -> None:
        self._send = send

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> "Answer":
        return self._ask("GET", url, params, headers, None)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> "Answer":
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._ask("POST", url, params, form, urlencode(data or {}).encode())

    def _ask(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> "Answer":
        if params:
            url = f"{url}?{urlencode(params)}"
        response = self._send(method, url, headers or {}, body)
        host = urlsplit(url).hostname
        if response.status == 429 or response.status >= 500:
            raise Unreachable(f"{host} answered {response.status}", retry_after=retry_after(response))
        text = response.body.decode("utf-8", "replace")
        if not text.lstrip().startswith("{"):
            # Here, because msal writes into the log what it could not read.
            raise BadData(f"{host} answered {response.status} with something that is no sign-in")
        return Answer(response.status, text, dict(response.headers))

    def close(self) -> None:
        """Nothing of its own."""


class Answer:
    """What msal takes for a `requests.Response`."""

    def __init__(self, status_code: int, text: str, headers: dict[str, str]) -> None:
        self.status_code, self.text, self.headers = status_code, text, headers

    def raise_for_status(self) -> None:
        """5xx never gets here."""


def msal() -> Any:
    """The library, imported when first needed: in a thread, since it takes a quarter of a second."""
    return import_module("msal")
