"""Coverage-guided fuzzing, bounded: so many inputs for each target, the same ones each time. ``make fuzz`` goes on."""

from pathlib import Path

import pytest

from tests.fuzz.guided import figures, run
from tests.fuzz.targets import TARGETS

INPUTS = 3_000


@pytest.mark.parametrize("target", TARGETS)
def test_guided(target: str, tmp_path: Path) -> None:
    found = run(target, f"-runs={INPUTS}", artifacts=tmp_path)
    assert found.inputs >= INPUTS and found.coverage > 10
    assert not found.finding, found
    assert found.memory < found.memory_at_first + 200, "memory grows"


def test_a_fault_is_a_finding() -> None:
    said = (
        "#2 INITED cov: 5 ft: 5 corp: 1/1b exec/s: 0 rss: 60Mb\n"
        "#9 NEW cov: 7 ft: 8 corp: 2/3b lim: 4 exec/s: 0 rss: 61Mb L: 1/1 MS: 1 x\n"
        " === Uncaught Python exception: ===\nIndexError: list index out of range\n"
        "Test unit written to build/fuzz/x-crash-1\n"
    )
    found = figures("x", said, 77)
    assert (found.inputs, found.coverage, found.kept, found.memory) == (9, 7, 2, 61)
    assert found.finding == "IndexError: list index out of range (build/fuzz/x-crash-1)"
    with pytest.raises(ValueError, match="did not run"):
        figures("x", "no module named atheris", 1)
