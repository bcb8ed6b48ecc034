"""The real service with a database that takes no writes: full disk, locked by a copy by hand, only to be read.

Whoever watches goes on being served, health says what is wrong, and afterwards everything is as before.
"""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.crash.scene import Injury, lives_through, opened
from tests.support.served import Served


@contextmanager
def full_disk(served: Served) -> Iterator[None]:
    """No file of it may grow beyond what its log may need: for SQLite that is a disk without room."""
    limits = resource.prlimit(served.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked(served: Served) -> Iterator[None]:
    with closing(sqlite3.connect(served.folder / "lamplighter.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.rollback()


@contextmanager
def unwritable(served: Served) -> Iterator[None]:
    """Every table refuses rows."""
    with closing(
        sqlite3.connect(served.folder / "lamplighter.db", isolation_level=None, timeout=30)
    ) as other:
        tables = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        other.execute("BEGIN IMMEDIATE")
        for table in tables:
            refusal = "BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
            other.execute(f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} {refusal}")
        other.execute("COMMIT")
        yield
        other.execute("BEGIN IMMEDIATE")
        for table in tables:
            other.execute(f"DROP TRIGGER no_{table}")
        other.execute("COMMIT")


@pytest.mark.slow
@pytest.mark.parametrize("injury", [full_disk, locked, unwritable], ids=lambda injury: injury.__name__)
async def test_it_lives_from_memory_says_so_and_recovers(tmp_path: Path, injury: Injury) -> None:
    async with opened(tmp_path) as scene:
        await lives_through(scene, injury)
