"""What a mailbox can be asked: its events, when it is free or busy, its automatic replies. Each is a
`connectors.pushed_calendar.Stream`.

Whether the calendar has changed says event: delta; what is in it then says one calendarView. Delta alone would not
do: it leaves out what occurrences have in common with their series, and says nothing of a deleted occurrence.
"""

from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from connectors.base import Clock
from connectors.calendar_event import Reader
from connectors.errors import BadData, NotFound
from connectors.ical.read import Reading
from connectors.ical.window import Window
from connectors.microsoft.desk import Desk
from connectors.microsoft.graph import Json, delta_path, read_page, view_path
from connectors.microsoft.mapping import read_events, read_replies, read_schedule
from connectors.microsoft.refusals import SyncLost

DELTA_AHEAD = timedelta(days=7)
"How much further than the window a delta round reaches: its window is fixed, and its first answer is long."
PAGES = 100
"Of one collection. A window of some days that needs more is no calendar."
_PAGE_SIZE = ("odata.maxpagesize=200",)


class Place(Protocol):
    """Where a calendar is."""

    async def path(self) -> str:
        """The path that stands before ``/calendarView``."""
        ...

    def gone(self) -> None:
        """There is nothing any more."""
        ...


class Events:
    """Of one calendar."""

    def __init__(
        self, desk: Desk, mailbox: str, place: Place, clock: Clock, home: tzinfo, reader: Reader
    ) -> None:
        self._desk, self._mailbox, self._place, self._clock = desk, mailbox, place, clock
        self._home, self._reader = home, reader
        self._delta: str | None = None
        self._delta_ends: datetime | None = None
        self._unread = True
        "Something has changed that was not read yet."

    async def look(self, window: Window, *, fresh: bool, anew: bool) -> tuple[Reading | None, datetime]:
        """See `connectors.pushed_calendar.Stream.look`."""
        now = self._clock.now()
        try:
            # Delta first: what changes between the two questions is then found twice, and not missed.
            if await self._has_changed(window) or fresh or anew:
                self._unread = True
            if not self._unread:
                return None, now
            reading = await self._read(window)
        except NotFound:
            self._place.gone()
            self._delta = None
            raise
        self._unread = False
        return reading, now

    async def _has_changed(self, window: Window) -> bool:
        if self._delta is not None and self._delta_ends is not None and window.end < self._delta_ends:
            try:
                return await self._follow(self._delta)
            except SyncLost:
                self._delta = None
        wide = Window(window.start, window.end + DELTA_AHEAD)
        await self._follow(delta_path(await self._place.path(), wide))
        self._delta_ends = wide.end
        return True

    async def _follow(self, path: str) -> bool:
        """A round of delta. True: it held something."""
        held = False
        for _ in range(PAGES):
            page = read_page(await self._get(path))
            held = held or bool(page.entries)
            if page.delta is not None:
                self._delta = page.delta
                return held
            if page.onward is None:
                raise BadData("Microsoft Graph's answer leads nowhere (neither nextLink nor deltaLink)")
            path = page.onward
        raise BadData(f"the calendar's changes have more than {PAGES} pages")

    async def _read(self, window: Window) -> Reading:
        entries: list[Json] = []
        path = view_path(await self._place.path(), window, self._reader)
        for _ in range(PAGES):
            page = read_page(await self._get(path))
            entries.extend(page.entries)
            if page.onward is None:
                return read_events(entries, window, self._home, self._reader)
            path = page.onward
        raise BadData(f"the calendar has more than {PAGES} pages")

    async def _get(self, path: str) -> Json:
        return await self._desk.client.get(path, mailbox=self._mailbox, prefer=_PAGE_SIZE)


class FreeBusy:
    """getSchedule: no more than when the mailbox is free or busy."""

    def __init__(self, desk: Desk, mailbox: str, home: tzinfo, reader: Reader) -> None:
        self._desk, self._mailbox, self._home, self._reader = desk, mailbox, home, reader
        self._before: object = None

    async def look(self, window: Window, *, fresh: bool, anew: bool) -> tuple[Reading | None, datetime]:
        """See `connectors.pushed_calendar.Stream.look`."""
        schedule, at = await self._desk.schedule(self._mailbox, fresh=fresh)
        # Slots move with the window, items do not.
        said = schedule.items or (schedule.view, schedule.window)
        if said == self._before and not (fresh or anew):
            return None, at
        self._before = said
        return read_schedule(schedule, window, self._home, self._reader), at


class AutomaticReplies:
    """Out of office while they are sent."""

    def __init__(self, desk: Desk, mailbox: str, reader: Reader) -> None:
        self._desk, self._mailbox, self._reader = desk, mailbox, reader
        self._before: Json | None = None

    async def look(self, window: Window, *, fresh: bool, anew: bool) -> tuple[Reading | None, datetime]:
        """See `connectors.pushed_calendar.Stream.look`."""
        replies, at = await self._desk.replies(self._mailbox, fresh=fresh)
        if replies == self._before and not (fresh or anew):
            return None, at
        self._before = replies
        return read_replies(replies, window, self._reader), at
