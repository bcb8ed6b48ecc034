"""Calls of `msal`, which waits while it talks: they run in a few threads of their own, and what they send goes
through the service's guarded HTTP, in the loop."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from connectors.errors import BadData, Unreachable
from connectors.http import Http, Response, retry_after

T = TypeVar("T")

THREADS = 4
"Of one hub. A call takes milliseconds of processor and up to two requests."
LONGEST = 60.0
"Seconds that a thread waits for one request; `Http` gives up earlier by itself."


class MsalCalls:
    """The threads, and the transport that msal is given as its ``http_client``."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._threads = concurrent.futures.ThreadPoolExecutor(THREADS, thread_name_prefix="msal")
        self._under_way: set[concurrent.futures.Future[Response]] = set()

    async def run(self, call: Callable[["Transport"], T]) -> T:
        """``call`` in a thread. It may take as long as its requests do."""
        loop = asyncio.get_running_loop()
        transport = Transport(lambda *request: self._send(loop, *request))
        return await loop.run_in_executor(self._threads, call, transport)

    def _send(
        self,
        loop: asyncio.AbstractEventLoop,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        """In a thread: let the loop send, and wait."""
        request = self._http.request(
            method, url, headers=headers, body=body, max_body=1024 * 1024, follow=False
        )
        sent = asyncio.run_coroutine_threadsafe(request, loop)
        self._under_way.add(sent)
        try:
            return sent.result(LONGEST)
        except (TimeoutError, concurrent.futures.CancelledError):
            raise Unreachable("the sign-in did not answer in time") from None
        finally:
            self._under_way.discard(sent)

    def close(self) -> None:
        """Threads that wait are let go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for sent in tuple(self._under_way):
            sent.cancel()


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
    from importlib import import_module

    return import_module("msal")
