"""The full pass waits for a quiet moment, but not for ever; what it frees goes back to the system."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from agent.garbage import EVERY, PATIENCE, collect_when_quiet, settle
from tests.support.virtual_loop import virtual


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[None]:
    """As it was, afterwards."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_after_the_start_no_full_pass_comes_by_itself(collector: None) -> None:
    settle()
    garbage = weakref.ref(Ring())
    gc.collect(1)  # the young ones are looked through as ever
    assert garbage() is None
    before = gc.get_stats()[2]["collections"]
    kept = [[] for _ in range(200_000)]
    assert gc.get_stats()[2]["collections"] == before
    del kept


@virtual
async def test_it_waits_until_nothing_is_owed() -> None:
    quiet = False
    task = asyncio.get_running_loop().create_task(collect_when_quiet(lambda: quiet, asyncio.sleep))
    await asyncio.sleep(EVERY + 5.5)
    garbage = weakref.ref(Ring())
    assert garbage() is not None
    quiet = True
    await asyncio.sleep(1.5)
    assert garbage() is None
    task.cancel()


@virtual
async def test_it_does_not_wait_for_ever() -> None:
    task = asyncio.get_running_loop().create_task(collect_when_quiet(lambda: False, asyncio.sleep))
    await asyncio.sleep(EVERY + PATIENCE / 2)
    garbage = weakref.ref(Ring())
    assert garbage() is not None
    await asyncio.sleep(PATIENCE)
    assert garbage() is None
    task.cancel()


HEAP = """
import os
from agent.garbage import give_back

def pages():
    return int(open("/proc/self/statm").read().split()[1])

before = pages()
pieces = [bytes(3_000) for _ in range(50_000)]
kept = pieces[::100]
full = pages()
del pieces
freed = pages()
assert give_back()
print(full - before, freed - before, pages() - before)
"""


def test_what_was_freed_between_what_is_kept_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", HEAP], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    full, freed, given = map(int, done.stdout.split())
    assert freed > full / 2, "the heap's end alone was enough"
    assert given < full / 4
