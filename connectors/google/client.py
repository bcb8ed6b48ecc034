"""Asks the Calendar API: signed in, and not again before a quota is filled up."""

import json
from typing import Any

from connectors.access_token import AccessTokens
from connectors.errors import ConnectorError
from connectors.google.calendar_api import Json, read_object
from connectors.google.refusals import GoSlower, api_refused
from connectors.http import Http, Response, retry_after
from connectors.limits import Limits

AT_ONCE = 4
"Requests of one account. Google names no such limit; its quota is 600 a minute and account."
FIRST_WAIT, LONGEST_WAIT = 1.0, 64.0
"Seconds after a quota was used up; doubling, as Google asks for (calendar/api/guides/quota)."


class GoogleClient:
    """For one account."""

    def __init__(self, http: Http, api: str, tokens: AccessTokens, limits: Limits, account: str) -> None:
        self._http, self._api, self._tokens = http, api.rstrip("/"), tokens
        self._limits, self._account = limits, account
        self._wait = FIRST_WAIT

    async def get(self, path: str) -> Json:
        return await self.send("GET", path)

    async def send(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer's object; empty when there is none. Raises what `api_refused` says, and what `Http` raises."""
        async with self._limits.place(self._account):
            response = await self._signed_in(method, path, body)
            if response.status == 401:
                # Perhaps the token was withdrawn before its time.
                self._tokens.refused()
                response = await self._signed_in(method, path, body)
        if 200 <= response.status < 300:
            self._wait = FIRST_WAIT
            return read_object(response.body) if response.body else {}
        raise self._refused(response)

    async def _signed_in(self, method: str, path: str, body: Json | None) -> Response:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self._http.request(
            method,
            f"{self._api}{path}",
            headers=headers,
            body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
            authorization=f"Bearer {await self._tokens.token()}",
            follow=False,
        )

    def _refused(self, response: Response) -> ConnectorError:
        error = api_refused(response.status, _parsed(response.body), retry_after(response))
        if isinstance(error, GoSlower):
            wait = error.retry_after or self._wait
            error.retry_after = wait
            self._limits.told_to_wait(self._account, wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        return error


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
