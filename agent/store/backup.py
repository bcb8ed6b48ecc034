"""Copies of a SQLite database: taken while a service writes to it, and put back while none does."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from agent.store.database_file import Findings, examine, open_to_read
from agent.store.errors import StoreError, StoreUnavailable
from agent.store.migrate import migrate

PAGES_AT_A_TIME = 1_000
"Copied between two reports of progress: 4 MB."
UNKNOWN_STARTS = 100
"Starts that a lost database may have had since its copy was taken; each lifts all CSeq numbers far enough."
BESIDE = ("", "-wal", "-shm", "-journal")

Progress = Callable[[int, int], None]
"(pages copied, pages in all)"


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` has done."""

    found: Findings
    "Of the copy, before it was migrated."
    kept: Path | None
    "The database that was there before."


class InUse(StoreError):
    """Some process has the database open."""


def back_up(database: Path, target: Path, progress: Progress = lambda done, total: None) -> Findings:
    """Copy the state of this moment into one new file that only its owner may read; `target` appears when it is whole.

    The service goes on writing meanwhile: the copy is what one transaction saw. Raises StoreUnavailable, OSError.
    """
    unfinished = target.with_name(target.name + ".unfinished")
    with closing(open_to_read(database)) as source:
        try:
            _copy(source, unfinished, progress)
            found = examine(unfinished)
            if found.problems:
                raise StoreUnavailable(f"the copy is not whole: {found.problems[0]}")
            _flush(unfinished)
            os.replace(unfinished, target)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{database}: {error}") from None
        finally:
            _remove(unfinished)
    return found


def restore(
    copy: Path, database: Path, aside: Path, progress: Progress = lambda done, total: None
) -> Restored:
    """Put a copy in the place of the database, whose files move to `aside`. All of it happens, or nothing.

    The copy is checked and brought to this version's schema first. Numbers of dialogs go on above those that the old
    database gave out, so that phones follow. Raises InUse, StoreTooNew, StoreUnavailable, OSError.
    """
    found = examine(copy)
    if found.problems or found.schema is None:
        raise StoreUnavailable(f"{copy}: {(found.problems or ('an empty database',))[0]}")
    starts = _close_for_good(database)
    unfinished = database.with_name(database.name + ".unfinished")
    try:
        with closing(open_to_read(copy)) as source:
            _copy(source, unfinished, progress)
        _bring_up_to_date(unfinished, starts)
        _flush(unfinished)
        kept = _move_aside(database, aside)
        os.replace(unfinished, database)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{database}: {error}") from None
    finally:
        _remove(unfinished)
    return Restored(found, kept)


def _copy(source: sqlite3.Connection, target: Path, progress: Progress) -> None:
    _remove(target)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    # One transaction from first page to last: writers neither wait for it nor make it begin again.
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with closing(sqlite3.connect(target, isolation_level=None)) as made:
        source.backup(
            made, pages=PAGES_AT_A_TIME, progress=lambda _, left, total: progress(total - left, total)
        )
        made.execute("PRAGMA journal_mode=DELETE")  # one file, and nothing beside it
    source.execute("ROLLBACK")


def _close_for_good(database: Path) -> int | None:
    """See to it that nobody has it open and that all of it is in the one file; returns how often it was started.

    None: it can't be read, or is not there. Raises InUse.
    """
    if not database.exists():
        return None
    with closing(sqlite3.connect(database, isolation_level=None, timeout=0.5)) as connection:
        try:
            # Leaving the log of writes takes a lock that no second connection allows.
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            row = connection.execute("SELECT value FROM sequences WHERE name = 'starts'").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InUse(f"{database} is in use; stop the service first") from None
            return None
        except sqlite3.DatabaseError:
            return None  # damaged: that may be why a copy is put back
    return int(row[0]) if row else None


def _bring_up_to_date(database: Path, starts: int | None) -> None:
    engine = create_engine(f"sqlite:///{database}")
    try:
        with engine.begin() as connection:
            migrate(connection)
    except DBAPIError as error:
        raise StoreUnavailable(f"the copy cannot be brought to this version: {error.orig}") from None
    finally:
        engine.dispose()
    with closing(sqlite3.connect(database)) as direct, direct:
        row = direct.execute("SELECT value FROM sequences WHERE name = 'starts'").fetchone()
        own = int(row[0]) if row else 0
        higher = own + UNKNOWN_STARTS if starts is None else max(own, starts) + 1
        direct.execute("INSERT OR REPLACE INTO sequences (name, value) VALUES ('starts', ?)", (higher,))


def _move_aside(database: Path, aside: Path) -> Path | None:
    if not database.exists():
        return None
    for ending in reversed(BESIDE):
        file = database.with_name(database.name + ending)
        if file.exists():
            os.replace(file, aside.with_name(aside.name + ending))
    return aside


def _flush(file: Path) -> None:
    """To the disk, its name included."""
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(file: Path) -> None:
    for ending in BESIDE:
        file.with_name(file.name + ending).unlink(missing_ok=True)
