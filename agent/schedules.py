"""Tells the rules of everybody's working hours, today's and the coming days', and renews that in good time."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

from agent.clock import Clock
from agent.working_hours import AHEAD, DAY, WorkingHours, expand
from connectors.facts import Fact
from rules.person import local

RENEW_AFTER = 12 * 3600.0
"Seconds."


def source(person: str) -> str:
    return f"schedule/{person}"


def schedule_fact(person: str, hours: WorkingHours, now: datetime) -> Fact:
    """From yesterday on, for spans that go over midnight. Stale when its last days come near."""
    first = local(now, hours.timezone).date() - DAY
    return Fact(person, source(person), expand(hours, first), now, now + timedelta(days=AHEAD - 2))


class Schedules:
    """``emit`` takes facts; ``forget`` takes sources that say nothing any more."""

    def __init__(
        self,
        hours: Mapping[str, WorkingHours],
        clock: Clock,
        emit: Callable[[Iterable[Fact]], None],
        forget: Callable[[Iterable[str]], None],
    ) -> None:
        self._hours = dict(hours)
        self._clock = clock
        self._emit = emit
        self._forget = forget

    def tell(self) -> None:
        """Everybody's, from now on."""
        now = self._clock.now()
        self._emit([schedule_fact(person, hours, now) for person, hours in self._hours.items()])

    def replace(self, hours: Mapping[str, WorkingHours]) -> None:
        """Other working hours, in force at once."""
        gone = [source(person) for person in self._hours if person not in hours]
        self._hours = dict(hours)
        self._forget(gone)
        self.tell()

    async def run(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Renew for as long as the service runs."""
        while True:
            await sleep(RENEW_AFTER)
            self.tell()
