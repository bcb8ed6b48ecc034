"""``python -m tests.convergence --seeds 5000``: networks that lose, double and reorder, in simulated time."""

import argparse
import sys
import time

from tests.convergence.simulated import converge
from tests.support.virtual_loop import run_virtually


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.convergence", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5000, help="how many (default: 5000)")
    parser.add_argument("--first", type=int, default=0, help="where to begin (default: 0)")
    given = parser.parse_args()
    begun, wrong = time.monotonic(), []
    for number, seed in enumerate(range(given.first, given.first + given.seeds), 1):
        try:
            run_virtually(converge(seed))
        except AssertionError as error:
            wrong.append(seed)
            print(f"seed {seed}: {error}", file=sys.stderr)
        if number % 100 == 0:
            print(f"{number}/{given.seeds} seeds, {len(wrong)} wrong", file=sys.stderr, flush=True)
    print(f"{given.seeds} seeds in {time.monotonic() - begun:.0f} s, {len(wrong)} wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
