"""Everything that the demo starts, in order, and ends again: calendar server, service, watchers."""

import asyncio
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.clock import Clock
from agent.demo.caldav_server import Calendars, check_installed, start_server
from agent.demo.ledger import Ledger
from agent.demo.organisation import MEMBERS, first_calendars
from agent.demo.processes import Child
from agent.demo.scenario import LEAD, Act, Cause, at_first, first_act, next_act
from agent.demo.service import Control, Place, find_place, local_zone, start_service, write_files
from agent.demo.watchers import WATCHERS, end_watchers, follow, start_watcher
from agent.errors import EXIT_UNREACHABLE, EXIT_USAGE, UserError
from agent.supervise import Supervisor

SUBSCRIBED_WITHIN = 30.0
"Seconds until every watcher has had its first NOTIFY of everybody it follows."


@dataclass(slots=True)
class Stage:
    """What runs."""

    clock: Clock
    zone: ZoneInfo
    place: Place
    opened: datetime
    calendars: Calendars
    control: Control
    ledger: Ledger
    children: list[Child] = field(default_factory=list)

    def check(self) -> None:
        """Raises UserError when something has ended that should run."""
        for child in self.children:
            child.check()

    async def until(self, moment: datetime) -> None:
        """Sleep until then by the wall clock."""
        await asyncio.sleep(max(0.0, moment.timestamp() - self.clock.wall()))

    def first_act(self) -> Act:
        """Begins at a full second, late enough for its events to be known."""
        return first_act(_full_second(self.clock.now() + LEAD), self.opened, self.zone)

    async def play(self, act: Act, upto: datetime | None = None) -> None:
        """Put the act's events into the calendars and make its changes (those until ``upto``) when their time comes."""
        for event in act.events:
            await self.calendars.put(event)
        steps = act.steps if upto is None else act.until(upto)
        expected = [self.ledger.expect(step) for step in steps]
        for step, awaited in zip(steps, expected, strict=True):
            await self.until(step.at)
            if step.cause is Cause.CALDAV and step.change is not None:
                awaited.caused_at = await self.calendars.put(step.change)

    async def go_on(self) -> None:
        """The first act and then one after the other, for good."""
        number, act = 1, self.first_act()
        while True:
            await self.play(act)
            await self.until(act.ends - LEAD)
            done, act = act, next_act(number, act.ends, self.zone)
            for event in done.leftovers():
                await self.calendars.remove(event)
            number += 1


def _full_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0) + timedelta(seconds=1)


@asynccontextmanager
async def open_stage(
    clock: Clock, supervisor: Supervisor, keep: Path | None, tell: Callable[[str], None]
) -> AsyncIterator[Stage]:
    """``keep``: a folder that stays; None: a temporary one. ``tell`` is told in words what has been started."""
    check_installed()
    async with AsyncExitStack() as stack:
        place = find_place(_folder(keep, stack))
        zone = local_zone()
        passwords = {member.key: secrets.token_urlsafe(12) for member in MEMBERS}
        write_files(place, zone, passwords)

        server = await start_server(place.folder, place.caldav_port, passwords)
        stack.push_async_callback(server.end, signal.SIGTERM, 3.0)
        calendars = Calendars(place.caldav_port, passwords, clock)
        stack.push_async_callback(calendars.close)
        await calendars.wait_until_up(server)
        opened = clock.now()
        await calendars.make_all()
        for event in first_calendars(opened):
            await calendars.put(event)
        tell(
            f"CalDAV server  http://127.0.0.1:{place.caldav_port}/  with the calendars of {len(MEMBERS)} people"
        )

        service = await start_service(place)
        stack.push_async_callback(service.end, signal.SIGTERM, 8.0)
        control = Control(place, clock)
        stack.push_async_callback(control.close)
        await control.wait_until_known(service)
        tell(
            f"lamplighter serve  SIP at 127.0.0.1:{place.sip_port} over UDP and TCP, on SQLite, "
            "each calendar polled every second"
        )

        ledger = Ledger(
            {watcher.name: watcher.members for watcher in WATCHERS}, at_first(opened, ZoneInfo(zone))
        )
        stage = Stage(clock, ZoneInfo(zone), place, opened, calendars, control, ledger, [server, service])
        watching: list[Child] = []
        stack.push_async_callback(end_watchers, watching)
        for watcher in WATCHERS:
            child = await start_watcher(watcher, place.sip_port, place.folder)
            watching.append(child)
            stage.children.append(child)
            supervisor.spawn(follow(watcher, child, ledger.saw), child.name)
        await _until_subscribed(stage)
        tell(
            f"{len(WATCHERS)} watchers  lamplighter watch, one over UDP for everybody and one over TCP for each"
        )
        yield stage


def _folder(keep: Path | None, stack: AsyncExitStack) -> Path:
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="lamplighter-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UserError(
            f"{keep} is not an empty folder", ["--keep wants one that is empty or not there yet"], EXIT_USAGE
        )
    keep.mkdir(parents=True, exist_ok=True)
    return keep


async def _until_subscribed(stage: Stage) -> None:
    deadline = stage.clock.monotonic() + SUBSCRIBED_WITHIN
    while stage.ledger.missing():
        stage.check()
        if stage.clock.monotonic() > deadline:
            raise UserError(
                "not every watcher was told how it is at first",
                [*stage.ledger.missing(), *stage.ledger.unexpected],
                EXIT_UNREACHABLE,
            )
        await asyncio.sleep(0.05)
