"""Whether the hot paths still cost what they did: counts of fixed loads, compared with the last ones recorded.

    python -m tests.bench.recorded             compare; exit status 1 when something costs a quarter more
    python -m tests.bench.recorded --record    after a change that is worth its price: write the counts anew

Not seconds, which say more of the machine than of the program. Two counts: calls, Python's and C's together, which are
the same everywhere but for the version of Python; and instructions, where valgrind is installed (apt install valgrind),
which also see what one call costs.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.workloads import Loads, running_load

FILE = Path(__file__).with_name("recorded.json")
LOADS = ("publish", "subscribe", "notify")
FEW, MANY = 100, 300
"Operations of the two runs whose difference is taken: what both have in common is start-up."
COUNTED = 500
"Operations whose instructions are counted."
TOLERANCE = 0.25
ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / "build" / "compiled"
"Where `make compiled` puts the compiled hot path. What is there is counted too."


async def _profiled(load_name: str, number: int) -> int:
    async with running_load() as load:
        work = await getattr(Loads(load), load_name)(number)
        profile = cProfile.Profile()
        profile.enable()
        await work()
        profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def calls(load: str) -> int:
    """Calls for each operation."""
    counted = [asyncio.run(_profiled(load, number)) for number in (FEW, MANY)]
    return (counted[1] - counted[0]) // (MANY - FEW)


def instructions(load: str, environment: Mapping[str, str]) -> int:
    """Instructions for each operation, by valgrind."""
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null",
             f"--log-file={log.name}",
             sys.executable, "-m", "tests.bench.workloads", load, str(COUNTED), "--counted"],
            check=True, stdout=subprocess.DEVNULL, env={**environment, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        found = re.search(r"Collected : (\d+)", log.read())
        assert found is not None
        return int(found[1]) // COUNTED


def has_valgrind() -> bool:
    return shutil.which("valgrind") is not None


def count(with_valgrind: bool) -> dict[str, dict[str, int]]:
    counts = {"calls": {load: calls(load) for load in LOADS}}
    if with_valgrind:
        counts["instructions"] = {load: instructions(load, os.environ) for load in LOADS}
        if (COMPILED / ".built").exists():
            path = os.pathsep.join((str(COMPILED), str(ROOT)))
            environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": path}
            counts["instructions, compiled"] = {load: instructions(load, environment) for load in LOADS}
    return counts


def compared(now: dict[str, dict[str, int]], before: dict[str, dict[str, int]]) -> tuple[str, bool]:
    """(a table, whether nothing has become much dearer)."""
    lines, good = [f"{'counted for each':34} {'recorded':>12} {'now':>12}"], True
    for kind, figures in now.items():
        for load, figure in figures.items():
            known = before.get(kind, {}).get(load)
            word = "" if known is None else f" {figure / known - 1:+.0%}"
            if known is not None and figure > known * (1 + TOLERANCE):
                good, word = False, f"{word}  more than {TOLERANCE:.0%} dearer"
            lines.append(
                f"{load + ', ' + kind:34} {known if known is not None else '-':>12} {figure:>12}{word}"
            )
    return "\n".join(lines), good


def check(*, with_valgrind: bool) -> int:
    """Compare and say so; the exit status."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    recorded = json.loads(FILE.read_text())
    if version not in recorded:
        print(f"nothing is recorded for Python {version}; python -m tests.bench.recorded --record writes it")
        return 0
    text, good = compared(count(with_valgrind), recorded[version])
    print(text)
    if good:
        return 0
    print("Find out why (python -m tests.bench.workloads publish 2000 --profile), or record the new price:")
    print("  python -m tests.bench.recorded --record")
    return 1


def record(*, with_valgrind: bool) -> None:
    """Write the counts of today in the place of the recorded ones."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    recorded = json.loads(FILE.read_text())
    recorded[version] = {**recorded.get(version, {}), **count(with_valgrind)}
    FILE.write_text(json.dumps(recorded, indent=2) + "\n")
    print(f"recorded in {FILE.name} for Python {version}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--record", action="store_true")
    options.add_argument("--no-valgrind", action="store_true", help="count calls only, which takes seconds")
    given = options.parse_args()
    with_valgrind = has_valgrind() and not given.no_valgrind
    if given.record:
        record(with_valgrind=with_valgrind)
    else:
        raise SystemExit(check(with_valgrind=with_valgrind))


if __name__ == "__main__":
    main()
