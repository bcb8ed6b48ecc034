"""Asks Microsoft Graph: signed in, one mailbox never too often at once, and not before the time that Graph named."""

import json
from collections.abc import Sequence
from typing import Any

from connectors.access_token import AccessTokens
from connectors.errors import BadData, ConnectorError, Unreachable
from connectors.http import Http, Response, retry_after
from connectors.limits import Limits
from connectors.microsoft.graph import (
    BATCH,
    ROOT,
    Json,
    Part,
    PartAnswer,
    batch_body,
    read_batch,
    read_object,
)
from connectors.microsoft.refusals import graph_refused

AT_ONCE = 4
"Requests per application and mailbox (learn.microsoft.com/graph/throttling-limits, Outlook service)."
PREFER = ('IdType="ImmutableId"', 'outlook.timezone="UTC"')
"Ids that survive a move to another folder; times that need no time zone."


class GraphClient:
    """For one application or one person."""

    def __init__(self, http: Http, graph: str, tokens: AccessTokens, limits: Limits) -> None:
        self._http, self._root, self._tokens, self._limits = http, f"{graph}{ROOT}", tokens, limits

    async def get(self, path: str, *, mailbox: str, prefer: Sequence[str] = ()) -> Json:
        """``path``: below `ROOT`, or a whole address that Graph itself gave."""
        return await self.send("GET", path, mailbox=mailbox, prefer=prefer)

    async def send(
        self,
        method: str,
        path: str,
        *,
        mailbox: str,
        body: Json | None = None,
        prefer: Sequence[str] = (),
    ) -> Json:
        """The answer's object; empty when there is none to give. ``mailbox``: whose limits count.

        Raises what `graph_refused` says, and what `Http.request` raises.
        """
        url = self._address(path)
        async with self._limits.place(mailbox):
            response = await self._signed_in(method, url, body, prefer)
            if response.status == 401:
                # Perhaps the token was withdrawn before its time.
                self._tokens.refused()
                response = await self._signed_in(method, url, body, prefer)
        return self._answered(response, mailbox)

    async def several(self, parts: Sequence[Part], mailboxes: Sequence[str]) -> list[Json | ConnectorError]:
        """Several requests as one ($batch), or one as it is; ``mailboxes``: whose limits count for each. What Graph
        refused stands in the place of its answer; raises what befell all of them."""
        if len(parts) == 1:
            (part,), (mailbox,) = parts, mailboxes
            try:
                return [await self.send(part.method, part.path, mailbox=mailbox, body=part.body)]
            except Unreachable:
                raise
            except ConnectorError as error:
                return [error]
        document = await self.send("POST", BATCH, mailbox="", body=batch_body(parts))
        answers = read_batch(document, len(parts))
        return [self._part(answer, mailbox) for answer, mailbox in zip(answers, mailboxes, strict=True)]

    def _address(self, path: str) -> str:
        if not path.startswith("/"):
            if not path.startswith(f"{self._root}/"):
                # The token must not go elsewhere, whoever wrote the link.
                raise BadData("Microsoft Graph's answer leads to another server")
            return path
        return f"{self._root}{path}"

    async def _signed_in(self, method: str, url: str, body: Json | None, prefer: Sequence[str]) -> Response:
        headers = {"Accept": "application/json", "Prefer": ", ".join((*PREFER, *prefer))}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self._http.request(
            method,
            url,
            headers=headers,
            body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
            authorization=f"Bearer {await self._tokens.token()}",
            follow=False,
        )

    def _answered(self, response: Response, mailbox: str) -> Json:
        if 200 <= response.status < 300:
            return read_object(response.body) if response.body else {}
        raise self._refused(response.status, _parsed(response.body), retry_after(response), mailbox)

    def _part(self, answer: PartAnswer, mailbox: str) -> Json | ConnectorError:
        if 200 <= answer.status < 300:
            return answer.body if isinstance(answer.body, dict) else {}
        wait = answer.headers.get("retry-after", "")
        return self._refused(answer.status, answer.body, float(wait) if wait.isdecimal() else None, mailbox)

    def _refused(self, status: int, body: Any, wait: float | None, mailbox: str) -> ConnectorError:
        if status in (429, 503) and wait is not None:
            self._limits.told_to_wait(mailbox, wait)
        return graph_refused(status, body, wait)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
