"""What an account can be asked: the events of a calendar, or when a calendar is busy. Each is a
`connectors.pushed_calendar.Stream`.

Whether a calendar has changed says events.list with a sync token; what is in the window then says one list of it,
which gives the next token too.
"""

from datetime import datetime, tzinfo

from connectors.base import Clock
from connectors.batching import Batcher
from connectors.calendar_event import Reader
from connectors.errors import BadData
from connectors.google.calendar_api import Json, changes_path, read_page, window_path
from connectors.google.client import GoogleClient
from connectors.google.mapping import read_busy, read_events
from connectors.google.refusals import SyncLost
from connectors.ical.read import Reading
from connectors.ical.window import Window

PAGES = 100
"Of one list. A window of some days that needs more is no calendar."


class Events:
    """Of one calendar."""

    def __init__(
        self, client: GoogleClient, calendar: str, clock: Clock, home: tzinfo, reader: Reader
    ) -> None:
        self._client, self._calendar, self._clock = client, calendar, clock
        self._home, self._reader = home, reader
        self._sync: str | None = None
        self._unread = True
        "Something has changed that was not read yet."
        self._before: Reading | None = None

    async def look(self, window: Window, *, fresh: bool, anew: bool) -> tuple[Reading | None, datetime]:
        """See `connectors.pushed_calendar.Stream.look`."""
        now = self._clock.now()
        if fresh or anew or self._unread or self._sync is None or await self._has_changed(self._sync):
            self._unread = True
            reading = await self._read(window)
            self._unread = False
            if reading != self._before or fresh or anew:
                self._before = reading
                return reading, now
        return None, now

    async def _has_changed(self, sync: str) -> bool:
        held, page = False, None
        for _ in range(PAGES):
            try:
                answer = read_page(await self._client.get(changes_path(self._calendar, sync, page)))
            except SyncLost:
                return True
            held = held or bool(answer.items)
            if answer.onward is None:
                # Not taken over before everything was read: a change must not be lost.
                self._sync = self._sync if held else answer.sync
                return held
            page = answer.onward
        return True

    async def _read(self, window: Window) -> Reading:
        items: list[Json] = []
        page: str | None = None
        for _ in range(PAGES):
            path = window_path(self._calendar, window, self._reader, page)
            answer = read_page(await self._client.get(path))
            items.extend(answer.items)
            if answer.onward is None:
                self._sync = answer.sync
                return read_events(items, window, self._home, self._reader)
            page = answer.onward
        raise BadData(f"the calendar has more than {PAGES} pages")


class FreeBusy:
    """freebusy.query: no more than when a calendar is busy."""

    def __init__(
        self, batcher: Batcher[tuple[Json, ...]], calendar: str, home: tzinfo, reader: Reader
    ) -> None:
        self._batcher, self._calendar, self._home, self._reader = batcher, calendar, home, reader
        self._before: tuple[Json, ...] | None = None

    async def look(self, window: Window, *, fresh: bool, anew: bool) -> tuple[Reading | None, datetime]:
        """See `connectors.pushed_calendar.Stream.look`."""
        busy, at = await self._batcher.get(self._calendar, fresh=fresh)
        if busy == self._before and not (fresh or anew):
            return None, at
        self._before = busy
        return read_busy(busy, window, self._home, self._reader), at
