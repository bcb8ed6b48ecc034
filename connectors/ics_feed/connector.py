"""Polls one feed.

An unchanged feed costs one conditional GET; many servers answer in full all the same, so the body's own hash
decides. The text is not kept: when the window wears out, the feed is fetched again.
"""

import hashlib
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from connectors.authorization import basic
from connectors.base import Context, Failed, Link, Poll
from connectors.errors import BadData, Misconfigured
from connectors.http import expect
from connectors.ical.fact import calendar_fact, reader_of
from connectors.ical.read import OBJECT_LIMIT, home_zone, read
from connectors.ical.window import wears_out, window_at
from connectors.ics_feed.mapping import decode, problems_of, split_feed
from connectors.ics_feed.settings import FeedUrl, IcsFeedSettings

HEADERS = {
    "Accept": "text/calendar, */*;q=0.1",
    # COMPAT(Outlook on the web): publishes calendars to what looks like a browser only.
    "User-Agent": "Mozilla/5.0 (compatible; Lamplighter)",
}
SPLIT_LIMIT = 1.0
"Seconds of processor time to take a feed apart."


class IcsFeedConnector:
    """A `connectors.base.PollConnector`."""

    def __init__(self, link: Link, settings: IcsFeedSettings, context: Context) -> None:
        home_zone(link.zone)
        self._link, self._settings, self._context = link, settings, context
        self._url, self._authorization = _address(link, settings)
        self._conditions: dict[str, str] = {}
        self._digest = b""
        self._wears_out: datetime | None = None

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        now = self._context.clock.now()
        whole = fresh or self._wears_out is None or now >= self._wears_out
        response = await self._context.http.request(
            "GET",
            self._url,
            headers={**HEADERS, **({} if whole else self._conditions)},
            authorization=self._authorization,
        )
        if response.status == 304 and not whole:
            return Poll(now, None)
        expect(response, 200)
        digest = hashlib.sha256(response.body).digest()
        if digest == self._digest and not whole:
            return Poll(now, None)
        poll = await self._read(decode(response.body), now)
        # Only now: a body that could not be understood must not count as seen.
        self._digest = digest
        self._conditions = {
            condition: response.headers[header]
            for header, condition in (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
            if header in response.headers
        }
        return poll

    async def _read(self, text: str, now: datetime) -> Poll:
        workshop, window = self._context.workshop, window_at(now, self._settings)
        (objects,) = await workshop.each(split_feed, [(text,)], limit=SPLIT_LIMIT)
        if isinstance(objects, Failed):
            raise BadData(objects.reason)
        reader = reader_of(self._link, self._settings)
        readings = await workshop.each(
            read,
            [(part, window.start, window.end, self._link.zone, reader) for part in objects],
            limit=OBJECT_LIMIT,
        )
        fact = calendar_fact(
            readings,
            link=self._link,
            source=f"{self._link.connector}:{self._link.id}",
            meaning=self._settings.calendar,
            window=window,
            now=now,
        )
        self._wears_out = wears_out(window, self._settings)
        return Poll(now, (fact,), problems_of(objects, readings))

    async def close(self) -> None:
        """Nothing of its own to close; the HTTP session is shared."""


def _address(link: Link, settings: IcsFeedSettings) -> tuple[str, str | None]:
    """The feed's URL and the Authorization that goes with it."""
    if settings.url is not None:
        if settings.username is None or link.secret is None:
            return str(settings.url), None
        return str(settings.url), basic(settings.username, link.secret)
    if link.secret is None:
        raise Misconfigured("the feed has no address: neither url nor a secret is given")
    try:
        return str(TypeAdapter(FeedUrl).validate_python(link.secret.strip())), None
    except ValidationError:
        # Without the cause: it would quote the secret.
        raise Misconfigured("the secret is not a web address (https or webcal)") from None
