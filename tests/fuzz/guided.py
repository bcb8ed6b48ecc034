"""Coverage-guided fuzzing with Atheris (libFuzzer): ``python -m tests.fuzz.guided --seconds 600``, or ``make fuzz``.

Every target of `tests.fuzz.targets` runs in a process of its own, begins with its seeds, and looks for inputs that
reach code that no other input has reached. Prints figures; exits with 1 when a target has found a fault, the input of
which is kept in ``build/fuzz``.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 4096
"Bytes of an input."
SLOWEST = 5
"Seconds that one input may take; it is a finding beyond."
MOST_MEMORY = 1024
"MiB of a process."
SMALL = ("sh", "-c", '"$@"; exit $?', "sh")
"""A process begins with the most memory that the one had which started it, as the kernel counts, and libFuzzer goes by
that. So a small one starts it: the tests may have had much."""
_STATUS = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+) .*?corp: (\d+)/\S+.*?rss: (\d+)Mb", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one target's run. ``coverage``: places in the code that were reached; memory in MiB."""

    target: str
    inputs: int
    coverage: int
    kept: int
    memory_at_first: int
    memory: int
    finding: str
    "What went wrong; empty when nothing did."

    def __str__(self) -> str:
        return (
            f"{self.target:<12} {self.inputs:>10,} inputs  {self.coverage:>6,} places  {self.kept:>6,} kept  "
            f"{self.memory_at_first}->{self.memory} MiB  {self.finding or 'no finding'}"
        )


def run(target: str, limit: str, seed: int = 1, artifacts: Path = ROOT / "build" / "fuzz") -> Figures:
    """One target, within ``limit``: a libFuzzer option such as ``-runs=2000`` or ``-max_total_time=60``."""
    artifacts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        done = subprocess.run(
            [
                *SMALL, sys.executable, "-m", "tests.fuzz.guided", "--one", target, corpus, limit, f"-seed={seed}",
                f"-max_len={LARGEST}", f"-timeout={SLOWEST}", f"-rss_limit_mb={MOST_MEMORY}",
                f"-artifact_prefix={artifacts}/{target}-",
            ],
            cwd=ROOT, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    return figures(target, done.stderr + done.stdout, done.returncode)


def figures(target: str, said: str, code: int) -> Figures:
    """From what libFuzzer has said. Raises ValueError when that is nothing."""
    lines = _STATUS.findall(said)
    if not lines:
        raise ValueError(f"{target}: the fuzzer did not run:\n{said[-2000:]}")
    first, last = next((each for each in lines if each[1] == "INITED"), lines[0]), lines[-1]
    finding = ""
    if code != 0:
        kept = re.search(r"Test unit written to (\S+)", said)
        why = re.search(
            r"^\s*(?:=== Uncaught Python exception: ===\n)?(\w+(?:Error|Exception).*)$", said, re.MULTILINE
        )
        finding = f"{why[1] if why else f'exit code {code}'} ({kept[1] if kept else 'no input kept'})"
    return Figures(target, int(last[0]), int(last[2]), int(last[3]), int(first[4]), int(last[4]), finding)


def fuzz_one(target: str, corpus: Path, options: list[str]) -> None:
    """In the child: never returns."""
    import atheris

    with atheris.instrument_imports(include=["agent", "sipmessage"]):
        from tests.fuzz.targets import TARGETS
    function, seeds = TARGETS[target]
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, str(corpus)], function)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description="Coverage-guided fuzzing of what comes from the network.")
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--seconds", type=int, default=80, help="for each target")
    parser.add_argument("--seed", type=int, default=1, help="another seed looks elsewhere")
    arguments = parser.parse_args()
    from tests.fuzz.targets import TARGETS

    bad = 0
    for target in arguments.targets or TARGETS:
        found = run(target, f"-max_total_time={arguments.seconds}", arguments.seed)
        print(found, flush=True)
        bad += bool(found.finding)
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz_one(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    sys.exit(main())
