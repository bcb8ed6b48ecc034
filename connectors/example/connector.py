"""I/O only: fetch, remember what saves the next fetch, hand the payload to the mapping."""

import hashlib

from connectors.base import Context, Link, Poll
from connectors.example.mapping import place_fact
from connectors.example.settings import ExampleSettings
from connectors.http import expect


class ExampleConnector:
    """One object per link. The runner calls ``poll``; back-off, logging and staleness are its business."""

    def __init__(self, link: Link, settings: ExampleSettings, context: Context) -> None:
        # Nothing here may block or fail because of the network: the first poll is early enough.
        self._link, self._settings, self._context = link, settings, context
        self._seen: bytes | None = None

    async def poll(self, *, fresh: bool) -> Poll:
        # `expect` turns 401, 403, 404, 5xx … into the errors that the runner tells apart.
        response = expect(
            await self._context.http.request(
                "GET",
                str(self._settings.url),
                authorization=f"Bearer {self._link.secret}" if self._link.secret else None,
                max_body=64 * 1024,
            ),
            200,
        )
        observed_at = self._context.clock.now()
        digest = hashlib.sha256(response.body).digest()
        if digest == self._seen and not fresh:
            return Poll(observed_at, None)
        fact = place_fact(
            response.body,
            person=self._link.person,
            # Unique per stream: connector, link, and the stream's name if the link has several.
            source=f"example:{self._link.id}",
            tags=self._settings.tags,
            observed_at=observed_at,
        )
        # Only now: an answer that could not be understood must not count as seen.
        self._seen = digest
        return Poll(observed_at, (fact,))

    async def close(self) -> None:
        """Nothing of its own to close; the HTTP session is shared."""
