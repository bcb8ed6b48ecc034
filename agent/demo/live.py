"""The demo on a screen: the board until it is ended; lines of text where there is no screen, or too small a one."""

import asyncio
import io
import re
from pathlib import Path

from rich.console import Console
from rich.live import Live

from agent.demo.board import LEAST_HEIGHT, LEAST_WIDTH, View, board
from agent.demo.script import LOOK, Lines, watch_for_failures
from agent.demo.stage import Stage
from agent.errors import EXIT_OK
from agent.supervise import Supervisor

REFRESH = 0.25
"Seconds."
MESSAGES = 60
"How far back a NOTIFY with a document is looked for."
CAPTURE_WIDTH, CAPTURE_HEIGHT = 120, 52


async def play_live(
    stage: Stage, supervisor: Supervisor, console: Console, seconds: float | None, capture: Path | None
) -> int:
    """Until canceled, or for ``seconds``. ``capture``: the last board is saved there."""
    playing = supervisor.spawn(stage.go_on(), "life")
    ends = None if seconds is None else stage.clock.monotonic() + seconds
    screen = console.is_terminal and console.width >= LEAST_WIDTH and console.height > LEAST_HEIGHT
    view = View(stage.clock.now(), (), (), stage.place.sip_port)
    lines = Lines(console, stage.ledger, stage.zone)
    if not screen and console.is_terminal:
        console.print(f"(for the board the terminal needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} lines)")
    live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
    try:
        if screen:
            live.start()
        while ends is None or stage.clock.monotonic() < ends:
            await watch_for_failures(stage)
            if playing.done():
                playing.result()
            if screen or capture is not None:
                view = await look(stage, view)
            if screen:
                live.update(
                    board(view, stage.ledger, stage.zone, console.width, console.height - 1), refresh=True
                )
            else:
                lines.print_new()
            await asyncio.sleep(REFRESH if screen else LOOK)
        return EXIT_OK
    finally:
        live.stop()
        if capture is not None:
            save(stage, view, capture)


async def look(stage: Stage, before: View) -> View:
    """What the service says of itself now; what it does not answer stays as it was."""
    rows = await stage.control.ask("/v1/board")
    messages = await stage.control.ask(f"/v1/messages?most={MESSAGES}")
    return View(stage.clock.now(), rows or before.rows, messages or before.messages, before.sip_port)


def save(stage: Stage, view: View, file: Path) -> None:
    """The board as an SVG picture."""
    console = Console(
        record=True, width=CAPTURE_WIDTH, height=CAPTURE_HEIGHT, file=io.StringIO(), force_terminal=True
    )
    console.print(board(view, stage.ledger, stage.zone, CAPTURE_WIDTH, CAPTURE_HEIGHT))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(self_contained(console.export_svg(title="lamplighter demo")), encoding="utf-8")


def self_contained(svg: str) -> str:
    """Without the fonts that Rich has browsers fetch from elsewhere; the reader's own monospace font serves."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
