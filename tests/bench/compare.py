"""Lamplighter and Kamailio under the same load, in turn on one machine; medians and their ratios.

    python -m tests.bench.compare [--turns 3] [--rounds 3]

Only ratios mean something: machines differ, and a shared one drifts while it is measured.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import LOAD_CPU, build_load, pinned
from tests.bench.servers import kamailio, kamailio_is_there, lamplighter

Server = Callable[[Path], AbstractContextManager[tuple[int, int]]]
Phase = dict[str, float]


@dataclass(frozen=True, slots=True)
class Load:
    """``people`` with ``watchers`` each, ``window`` requests unanswered at a time."""

    people: int
    watchers: int
    window: int

    def __str__(self) -> str:
        return f"{self.people} × {self.watchers}, {self.window}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one load. ``wanted``: what is aimed at, in words; × means Kamailio's."""

    load: str
    figure: str
    unit: str
    ours: float
    theirs: float | None
    wanted: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None

    @property
    def is_rate(self) -> bool:
        return self.unit == "/s"


LOADS = (Load(2000, 0, 50), Load(1000, 10, 50), Load(100, 50, 20))
BURST = Load(7500, 1, 7500)
"Everybody's calendar moves at once, one watcher each: the one burst that anybody publishes figures for."


def compare(turns: int, rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Every load on every server, ``turns`` times in turn."""
    servers: dict[str, Server] = {"Lamplighter": lamplighter}
    if kamailio_is_there():
        servers["Kamailio"] = kamailio
    found: dict[tuple[Load, str], list[Phase]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        program = build_load(Path(folder))
        for turn in range(turns):
            for load in (*LOADS, BURST):
                for name, server in servers.items():
                    tell(f"turn {turn + 1} of {turns}: {load}: {name}")
                    found[load, name] += _put(program, load, server, 1 if load == BURST else rounds)
    return [row for load in LOADS for row in _rows(load, found)] + _burst(found)


def _put(program: Path, load: Load, server: Server, rounds: int) -> list[Phase]:
    """The phases of one load on a fresh server."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (port, _):
        command = pinned(LOAD_CPU, program, port, load.people, load.watchers, load.window, "rounds", rounds)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    phases = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        print(f"  not everything came: {phases[-1] if phases else 'nothing at all'}", file=sys.stderr)
    return phases


def _median(phases: Iterable[Phase], phase: str, figure: Callable[[Phase], float]) -> float:
    return statistics.median([figure(each) for each in phases if each["phase"] == phase])


def _rows(load: Load, found: dict[tuple[Load, str], list[Phase]]) -> list[Row]:
    ours, theirs = found[load, "Lamplighter"], found.get((load, "Kamailio"))

    def row(figure: str, unit: str, phase: str, read: Callable[[Phase], float], wanted: str = "") -> Row:
        other = _median(theirs, phase, read) if theirs else None
        return Row(str(load), figure, unit, _median(ours, phase, read), other, wanted)

    def answers(phase: Phase) -> float:
        return phase["answers"] / phase["seconds"]

    if not load.watchers:
        return [row("PUBLISH, nobody watches", "/s", "change", answers, "≥ 1 ×")]
    median = row("PUBLISH to NOTIFY, median", "ms", "change", lambda each: each["median_ms"])
    # Ours of the slowest hundredth is to be below theirs of the middle.
    below = f"< {median.theirs:.0f} ms" if median.theirs else ""
    p99 = row("PUBLISH to NOTIFY, 99 of 100", "ms", "change", lambda each: each["p99_ms"], below)
    return [
        row("SUBSCRIBE, each with its first NOTIFY", "/s", "subscribe", answers, "≥ 1 ×"),
        row(
            "NOTIFY while everybody changes",
            "/s",
            "change",
            lambda each: each["notifies"] / each["seconds"],
            "≥ 2 ×",
        ),
        median,
        p99,
    ]


def _burst(found: dict[tuple[Load, str], list[Phase]]) -> list[Row]:
    def seconds(name: str) -> float | None:
        phases = found.get((BURST, name))
        return _median(phases, "change", lambda each: each["seconds"]) if phases else None

    return [
        Row(
            str(BURST),
            "all at once, until the last NOTIFY",
            "s",
            seconds("Lamplighter") or 0.0,
            seconds("Kamailio"),
            "≤ 2 s",
        )
    ]


def table(rows: Iterable[Row]) -> str:
    """For people."""
    shape = "{:26} {:40} {:>10} {:>12} {:>6} {:>11}"
    lines = [
        shape.format("people × watchers, window", "figure", "Kamailio", "Lamplighter", "ratio", "wanted")
    ]
    for row in rows:
        digits = 2 if row.unit == "s" else 0
        theirs = "-" if row.theirs is None else f"{row.theirs:,.{digits}f}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        name = f"{row.figure}{row.unit}" if row.is_rate else f"{row.figure}, {row.unit}"
        lines.append(shape.format(row.load, name, theirs, f"{row.ours:,.{digits}f}", ratio, row.wanted))
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    print(
        table(
            compare(given.turns, given.rounds, lambda text: print(f"  {text}", file=sys.stderr, flush=True))
        )
    )


if __name__ == "__main__":
    main()
