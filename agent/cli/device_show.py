"""`lamplighter device show`: what would be reported of this computer."""

import json
import os
from typing import Annotated

import typer

from agent.cli.options import JsonOption
from agent.clock import SystemClock
from agent.device.loop import look, sources
from agent.device.reports import Reports
from agent.errors import EXIT_PROBLEM


def command(
    idle_after: Annotated[int, typer.Option(min=30, help="Seconds without input until idle.")] = 300,
    as_json: JsonOption = False,
) -> None:
    """Look once, print what is seen and what would be sent, and send nothing.

    Example: lamplighter device show
    """
    clock = SystemClock()
    use, ways = look(sources(dict(os.environ), clock))
    report = Reports(idle_after, 120).due(use, clock.monotonic())
    sent = report.as_json("this computer", 120) if report is not None else None
    if as_json:
        print(json.dumps({"seen_by": ways, "idle": use.idle, "locked": use.locked, "sent": sent}))
    elif sent is None:
        print("Nothing here knows when this computer was last used, so nothing would be sent.")
    else:
        idle = "not known" if use.idle is None else f"{use.idle:.0f} seconds ago"
        locked = {None: "not known", True: "yes", False: "no"}[use.locked]
        print(
            f"last input: {idle}\nlocked:     {locked}\nseen by:    {', '.join(ways)}\nsent:       {json.dumps(sent)}"
        )
    if sent is None:
        raise typer.Exit(EXIT_PROBLEM)
