"""Where the service's time goes under load, as a flame graph of our own functions.

    make compiled
    PYTHONSAFEPATH=1 PYTHONPATH=build/compiled:. python -m tests.bench.flame --out flame.svg

Needs `perf` (apt install linux-perf) and the compiled form: only compiled functions have names that perf can see.
Width is processor time; a name's title has its share.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from tests.bench.compare import Load
from tests.bench.machine import LOAD_CPU, build_load, pinned
from tests.bench.servers import lamplighter

ROOT = Path(__file__).resolve().parents[2]
COLORS = {
    "sip": "#fb7185",
    "net": "#c4b5fd",
    "server": "#a3e635",
    "store": "#38bdf8",
    "presence": "#f59e0b",
    "documents": "#fcd34d",
}
OTHERS = {"etree.": "lxml", "libsqlite3": "SQLite", "[kernel": "kernel"}
"A piece of the name of what a sample was taken in -> what it is called."
WIDTH, ROW, LEAST = 1200.0, 15, 0.003


@dataclass
class Frame:
    """One function as called from those below it."""

    name: str
    folder: str = ""
    samples: int = 0
    callees: dict[tuple[str, str], "Frame"] = field(default_factory=dict)

    def add(self, stack: Iterable[tuple[str, str]]) -> None:
        self.samples += 1
        frame = self
        for name, folder in stack:
            frame = frame.callees.setdefault((name, folder), Frame(name, folder))
            frame.samples += 1


def folders() -> dict[str, str]:
    """Module -> its folder in agent/; `folder.module` as well, for names that occur twice."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.glob("agent/*/*.py"), key=lambda path: path.parent.name in COLORS):
        found[path.stem] = found[f"{path.parent.name}.{path.stem}"] = path.parent.name
    return found


def named(symbol: str, known: dict[str, str]) -> tuple[str, str] | None:
    """(function, folder) of a compiled function of ours; None for glue that the compiler wrote."""
    # mypyc: CPyDef_module___Class___method, with the package before the module where it is needed.
    if not symbol.startswith("CPyDef_") or "mypyc" in symbol or "_obj___" in symbol or "_gen___" in symbol:
        return None
    module, *rest = symbol.removeprefix("CPyDef_").partition(".")[0].split("___")
    if rest and f"{module}.{rest[0]}" in known:
        module, *rest = f"{module}.{rest[0]}", *rest[1:]
    return (".".join(rest), known.get(module, "")) if rest and rest[-1] else None


def stacks(script: str, known: dict[str, str], main_thread: int) -> Iterator[list[tuple[str, str]]]:
    """From what `perf script` prints: our functions, outermost first, and what other code they were in."""
    for sample in script.split("\n\n"):
        head, *lines = sample.strip("\n").split("\n")
        if not lines:
            continue
        stack: list[tuple[str, str]] = []
        for line in reversed(lines):
            symbol = line.split()[1] if len(line.split()) > 1 else ""
            frame = named(symbol, known)
            if frame is not None and (not stack or stack[-1] != frame):
                stack.append(frame)
        innermost = lines[0].rpartition("(")[2]
        other = next((name for piece, name in OTHERS.items() if piece in lines[0]), None)
        if other is None and "inlined" in innermost:
            files = [line for line in lines if "inlined" not in line]
            other = next((name for piece, name in OTHERS.items() if files and piece in files[0]), None)
        if other is not None:
            stack.append((other, ""))
        if int(head.split()[-1]) != main_thread:
            stack.insert(0, ("the database's thread", "store"))
        yield stack


def drawn(root: Frame, title: str) -> str:
    """As SVG."""
    boxes: list[str] = []
    depth = 0

    def draw(frame: Frame, left: float, row: int) -> None:
        nonlocal depth
        depth = max(depth, row)
        for callee in sorted(frame.callees.values(), key=lambda each: -each.samples):
            share = callee.samples / root.samples
            width = share * WIDTH
            if share < LEAST:
                continue
            top = 24 + row * ROW
            letters = int((width - 6) / 6.1)
            where = f" agent/{callee.folder}" if callee.folder else ""
            text = f'<text x="{left + 3:.1f}" y="{top + 11}">{escape(callee.name[:letters])}</text>'
            boxes.append(
                f"<g><title>{escape(callee.name)}{where}: {share:.1%}</title>"
                f'<rect x="{left:.1f}" y="{top}" width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" '
                f'fill="{COLORS.get(callee.folder, "#e2e8f0")}"/>{text if letters > 4 else ""}</g>'
            )
            draw(callee, left, row + 1)
            left += width

    draw(root, 0.0, 0)
    height = 24 + (depth + 1) * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}" font-family="monospace" '
        f'font-size="10"><rect width="{WIDTH:.0f}" height="{height}" fill="#fff"/>'
        f'<text x="4" y="14" font-size="13">{escape(title)}</text>{"".join(boxes)}</svg>\n'
    )


def recorded(load: Load, rounds: int) -> Frame:
    """Samples of the rounds in which everybody changes."""
    known, root = folders(), Frame("all")
    with tempfile.TemporaryDirectory() as folder, lamplighter(Path(folder)) as (port, process_id):
        program = build_load(Path(folder))
        command = pinned(LOAD_CPU, program, port, load.people, load.watchers, load.window, "rounds", rounds)
        samples = str(Path(folder, "samples"))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as loading:
            assert loading.stdout is not None
            for line in loading.stdout:
                if '"publish"' in line:
                    break
            perf = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "--call-graph", "dwarf,16000"]
            with subprocess.Popen([*perf, "-p", str(process_id), "-o", samples]) as recording:
                loading.communicate()
                recording.terminate()
        script = subprocess.run(
            ["perf", "script", "-i", samples, "-F", "tid,ip,sym,dso"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    for stack in stacks(script, known, process_id):
        root.add(stack)
    return root


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--people", type=int, default=1000)
    options.add_argument("--watchers", type=int, default=10)
    options.add_argument("--window", type=int, default=50)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--out", type=Path, default=Path("flame.svg"))
    given = options.parse_args()
    root = recorded(Load(given.people, given.watchers, given.window), given.rounds)
    if not root.samples:
        sys.exit("perf recorded nothing: is it allowed to (as root, or kernel.perf_event_paranoid)?")
    title = (
        f"{given.people:,} people, {given.watchers} watchers each, everybody changes; width is processor time"
    )
    given.out.write_text(drawn(root, title))
    print(f"{given.out}: {root.samples} samples")


if __name__ == "__main__":
    main()
