"""Looking at a SQLite database from outside, whether or not a service has it open: is it whole, and what is in it?"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.store import tables
from agent.store.errors import StoreTooNew, StoreUnavailable
from agent.store.migrate import check_known, newest

MOST_PROBLEMS = 20
"A damaged file may have a line of complaint for each of its pages."


@dataclass(frozen=True, slots=True)
class Findings:
    """What `examine` found."""

    file: Path
    size: int
    "Bytes, those not yet taken over from the log of writes (`-wal`) included."
    schema: str | None
    "None: an empty database."
    newest_schema: str
    "What this version would bring it to."
    rows: Mapping[str, int]
    "By table."
    problems: tuple[str, ...]
    "In words. None: all is well."

    def to_json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "bytes": self.size,
            "schema": self.schema,
            "newest_schema": self.newest_schema,
            "rows": dict(self.rows),
            "problems": list(self.problems),
            "ok": not self.problems,
        }


def open_to_read(file: Path) -> sqlite3.Connection:
    """Never makes a file, never writes. Raises StoreUnavailable."""
    if not file.is_file():
        raise StoreUnavailable(f"there is no database at {file}")
    try:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{file}: {error}") from None


def examine(file: Path) -> Findings:
    """Check every page, every index and the schema. Takes a consistent look beside a service that writes.

    Raises StoreUnavailable when it cannot be looked at at all.
    """
    with closing(open_to_read(file)) as connection:
        try:
            connection.execute("BEGIN")
            schema = _schema(connection)
            problems = _damage(connection)
            rows = _counts(connection)
        except sqlite3.DatabaseError as error:
            # Not even the first page can be understood.
            return Findings(file, _size(file), None, newest(), {}, (str(error),))
    try:
        check_known(schema)
    except StoreTooNew as error:
        problems.append(str(error))
    if schema is None and rows:
        problems.append("it is a database, but none of Lamplighter's")
    return Findings(file, _size(file), schema, newest(), rows, tuple(problems))


def _schema(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found else None
    return row[0] if row else None


def _damage(connection: sqlite3.Connection) -> list[str]:
    told = [row[0] for row in connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
    return [] if told == ["ok"] else [str(line) for line in told]


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    ours = [name for name in tables.metadata.tables if name in names]
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        for name in ours or [name for name in names if name != "alembic_version"]
    }


def _size(file: Path) -> int:
    beside = file.with_name(file.name + "-wal")
    return file.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
