"""`lamplighter device run`: report when this computer is used, until stopped."""

import os
import signal
import sys
import threading
from typing import Annotated

import typer

from agent.cli.device_file import DEFAULT_FILE, FileOption
from agent.clock import SystemClock
from agent.device.loop import report_for_good, sources
from agent.device.reports import Reports
from agent.device.service import kept
from agent.errors import EXIT_REFUSED


def command(
    idle_after: Annotated[int, typer.Option(min=30, help="Seconds without input until idle.")] = 300,
    every: Annotated[int, typer.Option(min=15, max=3600, help="Seconds between heartbeats.")] = 120,
    file: FileOption = DEFAULT_FILE,
) -> None:
    """Report to the service when this computer is used, idle or locked: changes at once, else a heartbeat.

    Example: lamplighter device run --idle-after 600
    """
    enrolled, clock = kept(file), SystemClock()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    wanted = report_for_good(
        sources(dict(os.environ), clock),
        Reports(idle_after, every),
        enrolled.report,
        enrolled.device,
        clock,
        stop.wait,
        tell,
    )
    if not wanted:
        raise typer.Exit(EXIT_REFUSED)
