"""``python -m tests.crash --kills 200``: the long form, with progress; writes crash.json and crash.txt."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.crash.run import Report, crash


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often to kill, at least (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of what is random (default: 1)")
    parser.add_argument("--report", type=Path, help="folder for crash.json and crash.txt")
    given = parser.parse_args()

    told: list[str] = []

    def progress(report: Report) -> None:
        for fault in report.faults[len(told) :]:
            told.append(fault)
            print(f"\n{fault}", file=sys.stderr)
        print(
            f"\r{report.kills:4}/{given.kills} kills, {report.seconds:5.0f} s, {len(report.faults)} faults",
            end="" if sys.stderr.isatty() else "\n",
            file=sys.stderr,
            flush=True,
        )

    with tempfile.TemporaryDirectory(prefix="lamplighter-crash-") as folder:
        report = asyncio.run(crash(Path(folder), given.kills, given.seed, progress))
    print(f"\n{report}")
    if given.report is not None:
        report.write(given.report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
