"""`lamplighter demo`: a small organisation on this machine, whose calendars light real lamps."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.clock import SystemClock
from agent.demo.run import Options, run
from agent.errors import EXIT_USAGE, UserError


def command(
    script: Annotated[
        bool,
        typer.Option("--script", help="No screen, under a minute: print each transition, check all, end."),
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, help="End by itself when it has played so long.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Put the files here and leave them.")
    ] = None,
    capture: Annotated[
        Path | None, typer.Option("--capture", metavar="FILE", help="At the end, save the board as SVG.")
    ] = None,
) -> None:
    """Run a small organisation on this machine: real calendars, the real service, real watchers. Ctrl-C ends it all.

    With --script the exit code is 0 only if every watcher received every expected state, in order.

    Examples:

    lamplighter demo

    lamplighter demo --script

    lamplighter demo --keep demo-files --seconds 120
    """
    if script and (seconds is not None or capture is not None):
        raise UserError(
            "--script ends by itself and has no board; leave --seconds and --capture out", (), EXIT_USAGE
        )
    code = asyncio.run(run(Options(script, seconds, keep, capture), Console(highlight=False), SystemClock()))
    if code:
        raise typer.Exit(code)
