"""``python -m tests.soak --minutes 30``: writes soak.json, soak.txt and soak.svg."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.report import Sample
from tests.soak.run import soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of load (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="of what is random (default: 1)")
    parser.add_argument("--report", type=Path, help="folder for the report and the picture")
    given = parser.parse_args()

    def progress(sample: Sample) -> None:
        kept = ", ".join(f"{value:.0f} {name}" for name, value in sample.figures.items())
        print(f"{sample.at / 60:5.1f} min  {sample.rss:6.1f} MB  {kept}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="lamplighter-soak-") as folder:
        report = asyncio.run(soak(Path(folder), given.minutes, given.seed, progress=progress))
    print(report)
    if given.report is not None:
        report.write(given.report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
