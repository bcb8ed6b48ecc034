import pytest

from tests.convergence.simulated import converge
from tests.support.virtual_loop import run_virtually


@pytest.mark.parametrize("block", range(4))
def test_every_watcher_ends_with_the_true_state(block: int) -> None:
    """`python -m tests.convergence` goes through thousands of seeds."""
    for seed in range(block * 60, (block + 1) * 60):
        run_virtually(converge(seed))
