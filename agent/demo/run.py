"""Runs the demo from its first process to the last: signals, time limit, exit code."""

import asyncio
import logging
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from agent.clock import Clock
from agent.demo.guide import guide
from agent.demo.live import play_live
from agent.demo.script import play_script
from agent.demo.stage import open_stage
from agent.errors import EXIT_OK, EXIT_PROBLEM
from agent.supervise import Supervisor


@dataclass(frozen=True, slots=True)
class Options:
    """``seconds``: end by itself after so long. ``keep``: folder for the files. ``capture``: SVG of the last board."""

    script: bool = False
    seconds: float | None = None
    keep: Path | None = None
    capture: Path | None = None


async def run(options: Options, console: Console, clock: Clock) -> int:
    """Until it has ended, or Ctrl-C, SIGTERM or SIGHUP has ended it; everything started is gone then. Returns the exit
    code. Raises UserError when something can't be started or ends by itself."""
    # Failures are told by what is raised; the supervisor's log would tell them twice.
    logging.getLogger("lamplighter").addHandler(logging.NullHandler())
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with Supervisor() as supervisor:
        performance = supervisor.spawn(_perform(options, console, clock, supervisor), "demo")
        stopped = supervisor.spawn(stop.wait(), "signals")
        await asyncio.wait((performance, stopped), return_when=asyncio.FIRST_COMPLETED)
        if performance.done():
            return performance.result()
        performance.cancel()
        await asyncio.wait((performance,))
        if options.script:
            console.print("interrupted before the end")
            return EXIT_PROBLEM
        console.print("Everything that was started has ended.")
        return EXIT_OK


async def _perform(options: Options, console: Console, clock: Clock, supervisor: Supervisor) -> int:
    def tell(line: str) -> None:
        console.print(line, soft_wrap=True)

    async with open_stage(clock, supervisor, options.keep, tell) as stage:
        if options.script:
            return await play_script(stage, supervisor, console)
        for line in guide(stage.place, _program()):
            tell(line)
        return await play_live(stage, supervisor, console, options.seconds, options.capture)


def _program() -> str:
    """How the command is called here: by its name, or by the path of the one beside our interpreter."""
    ours = Path(sys.executable).with_name("lamplighter")
    found = shutil.which("lamplighter")
    if found is not None and Path(found).resolve() == ours.resolve():
        return "lamplighter"
    return os.path.relpath(ours) if ours.is_relative_to(Path.cwd()) else str(ours)
