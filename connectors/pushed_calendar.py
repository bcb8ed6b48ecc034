"""How calendars are polled whose source can also push changes: the same for all such sources.

A push says that something has changed; what, is asked. While pushes come, asking is only to reconcile, in case that
one was lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import Field

from connectors.base import Clock, Link, Poll
from connectors.errors import AuthFailed, BadData, ConnectorError, Forbidden, NotFound
from connectors.facts import Fact
from connectors.ical.fact import calendar_fact
from connectors.ical.read import Reading
from connectors.ical.window import CalendarSettings, Window, wears_out, window_at
from connectors.settings import Duration


class PushedCalendarSettings(CalendarSettings):
    """Base of the settings of such connectors."""

    notifications: bool = Field(
        default=True,
        description="Let the source push changes, where the service can be reached from the internet.",
    )
    interval: Duration = Field(
        default=timedelta(minutes=2),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="How often is asked whether something changed. Each wait varies by a tenth.",
    )
    reconcile: Duration = Field(
        default=timedelta(minutes=15),
        ge=timedelta(minutes=1),
        le=timedelta(hours=4),
        description="The same while changes are pushed: in case that a push was lost.",
    )


class Stream(Protocol):
    """One thing that an account can be asked: a calendar, when it is free or busy, its automatic replies."""

    async def look(self, window: Window, *, fresh: bool, anew: bool) -> tuple[Reading | None, datetime]:
        """What is in the window, None if nothing has changed; and when the source said so. ``fresh``: trust nothing
        remembered. ``anew``: say it though nothing may have changed."""
        ...


class Pushed(Protocol):
    """Whether changes of the account are pushed."""

    def covers(self) -> bool:
        """Now."""
        ...

    def trouble(self) -> str | None:
        """Why not, if the source has refused."""
        ...


@dataclass(frozen=True, slots=True)
class NamedStream:
    """A stream, and what is said of it."""

    stream: Stream
    source: str
    "`Fact.source`."
    meaning: str
    "What the calendar means to the rules."
    name: str = ""
    "For people, in problems; empty: the account's only calendar."
    required: bool = True
    "If it cannot be read, nothing of the account counts."


class PushedCalendar:
    """The polling of one account. ``pushed`` None: its changes are never pushed."""

    def __init__(
        self,
        link: Link,
        settings: PushedCalendarSettings,
        clock: Clock,
        streams: Sequence[NamedStream],
        pushed: Pushed | None,
    ) -> None:
        self._link, self._settings, self._clock, self._pushed = link, settings, clock, pushed
        self._streams = streams
        self._announced = False
        "The source said that something has changed."
        self._refused = False
        "The last sign-in was."
        self._asked: datetime | None = None
        "When the source last said how the calendar is."
        self._settled = False
        "The last look was for its own sake. A change may be told before it can be seen."
        self._wears_out: datetime | None = None
        self._facts: dict[str, Fact] = {}
        self._problems: dict[str, tuple[str, ...]] = {}

    def told(self) -> bool:
        """The source says that something has changed: the next poll looks. False: it is not worth polling now, since
        the sign-in was refused, and every further try may lock the account."""
        self._announced = True
        return not self._refused

    async def poll(self, *, fresh: bool) -> Poll:
        """See `connectors.base.PollConnector.poll`."""
        now = self._clock.now()
        announced, self._announced = self._announced, False
        worn = self._wears_out is None or now >= self._wears_out
        if self._asked is not None and not (fresh or announced or worn) and self._may_rest(now):
            return Poll(self._asked, None, self._every_problem())
        window = window_at(now, self._settings)
        try:
            changed, unheard, asked = await self._look(window, fresh=fresh, anew=announced or worn)
        except BaseException as error:
            self._announced = self._announced or announced
            self._refused = isinstance(error, AuthFailed)
            raise
        self._refused = False
        self._asked, self._settled = asked, not announced
        if worn:
            self._wears_out = wears_out(window, self._settings)
        facts = tuple(fact for source, fact in self._facts.items() if source not in unheard)
        return Poll(asked, facts if changed else None, self._every_problem(), unheard, announced)

    async def _look(
        self, window: Window, *, fresh: bool, anew: bool
    ) -> tuple[bool, frozenset[str], datetime]:
        """Did something change, which streams could not be asked, and when was the oldest answer given."""
        changed, times = False, []
        failed: dict[str, ConnectorError] = {}
        for named in self._streams:
            try:
                reading, at = await named.stream.look(window, fresh=fresh, anew=anew)
            except (Forbidden, NotFound, BadData) as error:
                if named.required:
                    raise
                # One that cannot be read must not silence the others.
                failed[named.source] = error
                self._problems[named.source] = (f"{named.name}: {error.words}",)
                continue
            times.append(at)
            if reading is not None:
                changed = True
                self._take(named, reading, window, at)
        if not times:
            raise next(iter(failed.values()))
        return changed, frozenset(failed), min(times)

    def _take(self, named: NamedStream, reading: Reading, window: Window, at: datetime) -> None:
        self._facts[named.source] = calendar_fact(
            [reading], link=self._link, source=named.source, meaning=named.meaning, window=window, now=at
        )
        prefix = f"{named.name}: " if named.name else ""
        self._problems[named.source] = tuple(f"{prefix}{problem}" for problem in reading.problems)

    def _may_rest(self, now: datetime) -> bool:
        if self._pushed is None or self._asked is None or not self._settled:
            return False
        longest = min(self._settings.reconcile, self._settings.stale_after / 2)
        return now - self._asked < longest and self._pushed.covers()

    def _every_problem(self) -> tuple[str, ...]:
        found = [problem for problems in self._problems.values() for problem in problems]
        trouble = self._pushed.trouble() if self._pushed is not None else None
        if trouble is not None:
            found.append(f"changes are not pushed but asked for: {trouble}")
        return tuple(found)
