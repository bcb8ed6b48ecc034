"""Everything that is measured, with one table at the end: ``python -m tests.bench``.

    --short            what CI runs: counts that are the same on every machine, against recorded.json
    --without-parts    the whole service only: beside Kamailio, the storm, memory

Writes docs/images/performance.json and performance.svg, which docs/PERFORMANCE.md shows.
"""

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from agent.sip import endpoint
from tests.bench import memory_bench, recorded, ten_oclock
from tests.bench.compare import Row, compare, table
from tests.bench.picture import draw

PARTS = (
    ("sip_bench",),
    ("rules_bench",),
    ("calendar_bench",),
    ("cloud_bench",),
    ("location_storm",),
)
"Measurements of parts: they print figures of their own."
IMAGES = Path(__file__).parents[2] / "docs" / "images"


def tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def storm(people: int, watchers: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        found = ten_oclock.lamps(Path(folder), people, watchers)
    load = f"{people} × {watchers}, ten o'clock"
    return [
        Row(load, "first lamp, from the second on", "ms", found["first_ms"], None, "≤ 50 ms"),
        Row(load, "last lamp", "ms", found["last_ms"], None, "≤ 10,000 ms"),
        Row(load, "memory of the whole service", "MB", found["memory_mb"], None, "≤ 1,074 MB"),
    ]


def memory(number: int) -> list[Row]:
    limits = {"subscription": "≤ 4,000", "publication": "≤ 6,000"}
    sizes = asyncio.run(memory_bench.measure(number, memory_bench.resident))
    return [
        Row(f"{number:,}", f"memory of one {name}", "bytes", size, None, limits[name])
        for name, size in sizes.items()
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--short", action="store_true")
    options.add_argument("--without-parts", action="store_true")
    options.add_argument("--turns", type=int, default=3, help="how often each load is put on each server")
    given = options.parse_args()
    if given.short:
        raise SystemExit(recorded.check(with_valgrind=recorded.has_valgrind()))
    form = "as Python" if str(endpoint.__file__).endswith(".py") else "compiled"
    tell(f"the hot path is {form}, on Python {platform.python_version()}")
    for part in () if given.without_parts else PARTS:
        tell(" ".join(part))
        subprocess.run([sys.executable, "-m", f"tests.bench.{part[0]}", *part[1:]], check=True)
    rows = compare(given.turns, 3, tell)
    tell("the ten-o'clock storm")
    rows += storm(10_000, 10)
    tell("memory")
    rows += memory(100_000)
    print(table(rows))
    IMAGES.joinpath("performance.json").write_text(
        json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
    )
    IMAGES.joinpath("performance.svg").write_text(draw(rows))


if __name__ == "__main__":
    main()
