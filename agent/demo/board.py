"""The board: who is shown as what, by which rule, how long the lamp took, and SIP as it was on the wire. Pure: what is
shown and how much room there is are parameters."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.box import HORIZONTALS, ROUNDED, SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.demo.ledger import Expected, Ledger

LAMPS = {"lit": ("●", "bold red"), "blinking": ("◐", "bold yellow"), "dark": ("○", "green")}
COLORS = {"dnd": "red", "lunch": "yellow", "out-of-office": "magenta", "available": "green"}
LEAST_WIDTH, LEAST_HEIGHT = 80, 22
"On a smaller terminal the board is no use."
ROOMY = 30
"From this height on more is listed."
WIDE = 100
"From this width on names are written in full."
COLUMNS = (
    ("", 1, False),
    ("person", 5, False),
    ("state", 13, False),
    ("note", 12, True),
    ("until", 8, False),
    ("decided by", 8, True),
    ("took", 6, False),
)
"Heading, least width, and whether it gives way to the others when there is little room."


@dataclass(frozen=True, slots=True)
class View:
    """What is known at one moment."""

    now: datetime
    rows: Sequence[dict[str, Any]]
    "As `/v1/board` of the control socket."
    messages: Sequence[dict[str, Any]]
    "As `/v1/messages`, newest last."
    sip_port: int


def board(view: View, ledger: Ledger, zone: tzinfo, width: int, height: int) -> RenderableType:
    """At most ``height`` lines, from `LEAST_HEIGHT` on."""
    done, listed = (3, 6) if height >= ROOMY else (1, 3)
    frames = 5 + 1 + 4 + 2  # of the people, the next transition, the messages, the one on the wire
    room = height - frames - len(view.rows) - done - listed
    return Group(
        _people(view, ledger, zone, width),
        *_transitions(view, ledger, zone, done),
        _messages(view.messages, zone, listed),
        _wire(view.messages, width - 4, max(room, 1)),
    )


def _people(view: View, ledger: Ledger, zone: tzinfo, width: int) -> Table:
    title = Text.assemble(
        ("Lamplighter", "bold"),
        f"  {view.now.astimezone(zone):%H:%M:%S}   SIP 127.0.0.1:{view.sip_port}   Ctrl-C ends everything",
    )
    table = Table(
        title=title, title_justify="left", title_style="", box=HORIZONTALS, expand=True, padding=(0, 1, 0, 0)
    )
    for name, least, gives in COLUMNS:
        table.add_column(
            name,
            no_wrap=True,
            min_width=least,
            ratio=1 if gives else None,
            justify="right" if name == "took" else "left",
        )
    for row in view.rows:
        lamp, color = LAMPS.get(row["lamp"], LAMPS["dark"])
        until = datetime.fromisoformat(row["until"]).astimezone(zone) if row["until"] else None
        table.add_row(
            Text(lamp, color),
            Text(row["name"] if width >= WIDE else row["person"]),
            Text(row["state"], COLORS.get(row["state"], "")),
            Text(row["note"] or ""),
            f"{until:%H:%M:%S}" if until is not None else "",
            Text(row["rule"] or ""),
            milliseconds(ledger.latest(row["person"])),
        )
    return table


def _transitions(view: View, ledger: Ledger, zone: tzinfo, done: int) -> Iterable[RenderableType]:
    """The last ones and the next one."""
    now = view.now.timestamp()
    steps = [each for states in ledger.expected.values() for each in states if each.step is not None]
    past = sorted((each for each in steps if each.received), key=lambda each: each.since)[-done:]
    for expected in past:
        yield _line(expected, zone, f"→ {expected.shown}")
    for _ in range(done - len(past)):
        yield Text("")
    ahead = min((each for each in steps if each.since > now), key=lambda each: each.since, default=None)
    if ahead is None:
        yield Text("")
    else:
        yield _line(ahead, zone, f"in {ahead.since - now:.0f} s", "dim")


def _line(expected: Expected, zone: tzinfo, words: str, style: str = "") -> Text:
    assert expected.step is not None
    at = datetime.fromtimestamp(expected.since, zone)
    what = f"{at:%H:%M:%S}  {expected.member.key:<6} {expected.step.words} ({expected.step.cause})  {words}"
    return Text(f" {what}", style, no_wrap=True, overflow="ellipsis")


def _messages(messages: Sequence[dict[str, Any]], zone: tzinfo, lines: int) -> Table:
    table = Table(box=SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))
    for name in ("last SIP messages", "", "over", "peer", "first line"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1 if name == "first line" else None)
    listed = list(messages[-lines:])
    for message in listed:
        at = datetime.fromtimestamp(message["at"], zone)
        table.add_row(
            f"{at:%H:%M:%S}.{at.microsecond // 1000:03}",
            "←" if message["direction"] == "received" else "→",
            message["transport"],
            message["peer"],
            _first_line(message["text"]),
        )
    for _ in range(lines - len(listed)):
        table.add_row("")
    return table


def _first_line(message: str) -> Text:
    """An answer says which request it answers only further down."""
    first = message.partition("\r\n")[0]
    sequence = re.search(r"\r\nCSeq: *([^\r]*)", message) if first.startswith("SIP/") else None
    return Text.assemble(first, (f"  to {sequence[1]}" if sequence else "", "dim"))


def _wire(messages: Sequence[dict[str, Any]], width: int, lines: int) -> Panel:
    """The last NOTIFY with a document, else the last message, as it was on the wire, so far as there is room.
    Lines that are too long go on in the next one."""
    told = [each for each in messages if each["text"].startswith("NOTIFY") and "<presence" in each["text"]]
    last = (told or list(messages))[-1:]
    text = last[0]["text"].replace("\r\n", "\n").rstrip("\n") if last else "nothing yet"
    shown = [
        line[at : at + width]
        for line in text.split("\n")
        for at in range(0, max(len(line), 1), max(width, 1))
    ]
    if len(shown) > lines:
        shown = [*shown[: lines - 1], f"… {len(shown) - lines + 1} more lines"]
    shown += [""] * (lines - len(shown))
    body = Text("\n".join(shown), no_wrap=True, overflow="ellipsis")
    return Panel(body, title="the last NOTIFY, as it was on the wire", title_align="left", box=ROUNDED)


def milliseconds(seconds: float | None) -> str:
    """``4 ms``, ``1.2 s``."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
