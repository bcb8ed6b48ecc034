"""The demo without a screen: a line for each transition, and what became of it all."""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.demo.board import milliseconds
from agent.demo.ledger import Expected, Ledger
from agent.demo.scenario import SCRIPT, Cause
from agent.demo.stage import Stage
from agent.errors import EXIT_OK, EXIT_PROBLEM
from agent.supervise import Supervisor

PATIENCE = 8.0
"Seconds that the last change gets to reach everybody."
LOOK = 0.05
"Seconds between two looks at what the watchers have seen."
CHILD_GRACE = 0.3
"Seconds. Ctrl-C reaches our children as well as us; whoever ended by it did not fail."


class Lines:
    """Prints each transition once everybody concerned has seen it."""

    def __init__(self, console: Console, ledger: Ledger, zone: ZoneInfo) -> None:
        self._console, self._ledger, self._zone = console, ledger, zone
        self._printed: dict[str, int] = {}

    def print_new(self) -> None:
        new = []
        for key, states in self._ledger.expected.items():
            for expected in states[self._printed.get(key, 0) :]:
                if not self._ledger.complete(expected):
                    break
                self._printed[key] = self._printed.get(key, 0) + 1
                new.append(expected)
        for expected in sorted(new, key=lambda each: each.caused_at or 0.0):
            self._console.print(self._line(expected), soft_wrap=True)

    def _line(self, expected: Expected) -> str:
        name = f"[bold]{expected.member.key:<6}[/]"
        shown = escape(str(expected.shown))
        if expected.step is None or expected.caused_at is None:
            return f"at first  {name} {shown}"
        at = datetime.fromtimestamp(expected.caused_at, self._zone)
        times = [
            f"{watcher} {milliseconds(expected.lateness(watcher))}"
            for watcher in self._ledger.followers(expected.member)
        ]
        what = f"{expected.step.words} ({expected.step.cause})"
        return f"{at:%H:%M:%S}  {name} {what:<35} {shown:<48} [cyan]NOTIFY late by:[/] {', '.join(times)}"


async def watch_for_failures(stage: Stage) -> None:
    """Returns after one look. Raises UserError when a child has ended, unless we are about to end too."""
    try:
        stage.check()
    except Exception:
        await asyncio.sleep(CHILD_GRACE)  # canceled meanwhile: it was Ctrl-C
        raise


async def play_script(stage: Stage, supervisor: Supervisor, console: Console) -> int:
    """Play the first act's changes. Returns the exit code: 0 if everybody saw everything, in order."""
    lines = Lines(console, stage.ledger, stage.zone)
    act = stage.first_act()
    upto = act.ends - timedelta(seconds=60) + SCRIPT
    playing = supervisor.spawn(stage.play(act, upto), "script")
    deadline = upto.timestamp() + PATIENCE
    while not (playing.done() and stage.ledger.all_complete()) and stage.clock.wall() < deadline:
        await watch_for_failures(stage)
        if playing.done():
            playing.result()
        lines.print_new()
        await asyncio.sleep(LOOK)
    lines.print_new()
    return conclude(stage.ledger, console)


def conclude(ledger: Ledger, console: Console) -> int:
    """The closing table and what is wrong. Returns the exit code."""
    table = Table("watcher", "states", "received in order", "worst, by the clock", "worst, by CalDAV")
    for watcher, members in ledger.watchers.items():
        states = [each for member in members for each in ledger.expected[member.key]]
        got = sum(watcher in each.received for each in states)
        table.add_row(
            watcher,
            str(len(states)),
            f"{got} of {len(states)}",
            *(milliseconds(_worst(states, watcher, cause)) for cause in Cause),
        )
    console.print(table)
    wrong = [*ledger.missing(), *ledger.unexpected]
    for line in wrong:
        console.print(f"[red]missing or wrong:[/] {escape(line)}", soft_wrap=True)
    if not wrong:
        console.print("Every watcher received every expected state, in order.")
    return EXIT_PROBLEM if wrong else EXIT_OK


def _worst(states: list[Expected], watcher: str, cause: Cause) -> float | None:
    found = [each.lateness(watcher) for each in states if each.step is not None and each.step.cause is cause]
    return max((each for each in found if each is not None), default=None)
