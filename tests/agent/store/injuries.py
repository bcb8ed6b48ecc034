"""Ways to keep a live SQLite database from taking writes, and to heal it again."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Patient:
    """A database file, and the connections that the store under test has opened to it."""

    path: Path
    connections: list[sqlite3.Connection] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"


@contextmanager
def watched(path: Path) -> Iterator[Patient]:
    patient = Patient(path)

    def remember(connection: Any, _record: object) -> None:
        patient.connections.append(connection)

    event.listen(Engine, "connect", remember)
    try:
        yield patient
    finally:
        event.remove(Engine, "connect", remember)


@contextmanager
def locked(patient: Patient) -> Iterator[None]:
    """Somebody else holds the write lock, as a backup by hand would."""
    other = sqlite3.connect(patient.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def read_only(patient: Patient) -> Iterator[None]:
    """SQLITE_READONLY for every write, as after a remount."""
    patient.connections[-1].execute("PRAGMA query_only=ON")
    try:
        yield
    finally:
        patient.connections[-1].execute("PRAGMA query_only=OFF")


@contextmanager
def disk_full(patient: Patient) -> Iterator[None]:
    """SQLITE_FULL as soon as the file would have to grow."""
    connection = patient.connections[-1]
    (limit,) = connection.execute("PRAGMA max_page_count").fetchone()
    connection.execute("PRAGMA max_page_count=1")  # not below what it has: SQLite keeps to the present size
    try:
        yield
    finally:
        connection.execute(f"PRAGMA max_page_count={limit}")


Injury = Callable[[Patient], AbstractContextManager[None]]
INJURIES: dict[str, tuple[Injury, str]] = {
    "locked": (locked, "locked"),
    "read-only": (read_only, "readonly"),
    "disk full": (disk_full, "full"),
}
