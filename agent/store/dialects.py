"""All that is particular to one database engine: how it is opened and what an upsert is called there."""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.dml import Insert

from agent.store.errors import StoreUnavailable

DRIVER_ERRORS = (sqlite3.Error,)
"""What a driver may raise past SQLAlchemy, while a connection is being prepared."""

MOST_ROWS = 64
"Of one statement."

Durability = Literal["process", "power"]

_SYNCHRONOUS: Mapping[Durability, str] = {"process": "NORMAL", "power": "FULL"}
"In WAL mode NORMAL survives the process's death, FULL (an fsync per commit) the machine's."


def create(url: str, *, durability: Durability, lock_patience: float) -> Engine:
    """An engine for the writer's one connection. Raises StoreUnavailable for a URL that cannot be served."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text itself may hold a password.
        raise StoreUnavailable("the store's URL is not a database URL") from None
    backend = parsed.get_backend_name()
    try:
        if backend == "sqlite":
            return _create_sqlite(parsed, durability=durability, lock_patience=lock_patience)
        if backend == "postgresql":
            return _create_postgresql(parsed, durability=durability, lock_patience=lock_patience)
    except (ImportError, NoSuchModuleError) as error:
        raise StoreUnavailable(f"no driver for {parsed.drivername}: {error}") from None
    raise StoreUnavailable(f"the store is kept in sqlite or postgresql, not in {backend}")


def _create_sqlite(url: URL, *, durability: Durability, lock_patience: float) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite"),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": lock_patience, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "do_connect")
    def before(_dialect: object, _record: object, arguments: list[Any], _options: object) -> None:
        _keep_to_ourselves(str(arguments[0]))

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        # Nothing of a replaced secret stays in the page it stood in; costs no further I/O.
        connection.execute("PRAGMA secure_delete=FAST")
        connection.execute(f"PRAGMA synchronous={_SYNCHRONOUS[durability]}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver by itself would begin late, and leave schema changes outside the transaction.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _keep_to_ourselves(path: str) -> None:
    """Nobody else may read the file: it holds what passwords can be guessed from. SQLite gives the files that it puts
    beside it the same mode. Where that can't be had (another owner, a read-only disk) the file stays as it is.
    """
    if path.startswith((":", "file:")):
        return
    with contextlib.suppress(OSError):
        # One that exists is not opened: closing it again would drop the locks that this process may have on it.
        if not os.path.exists(path):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if mode & 0o077:
            os.chmod(path, mode & 0o700)


def _create_postgresql(url: URL, *, durability: Durability, lock_patience: float) -> Engine:
    # Our own death costs nothing in any case: what is committed is with the server. Whether it outlives the server's
    # is the server's setting, unless we are asked to see to it.
    waits = " -c synchronous_commit=on" if durability == "power" else ""
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": f"-c lock_timeout={int(lock_patience * 1000)}{waits}"},
    )


def upsert(dialect: str, table: Table) -> Insert:
    """Insert, or replace every column of the row with that primary key."""
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    changed = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)


def begin(cursor: DBAPICursor, dialect: str) -> None:
    """Begin a transaction on a connection of the pool; psycopg begins one by itself."""
    if dialect == "sqlite":
        cursor.execute("BEGIN IMMEDIATE")


def run(
    cursor: DBAPICursor, text: str, columns: Sequence[str], positional: bool, rows: Sequence[tuple[Any, ...]]
) -> None:
    """One statement with one value for each of ``columns``, for every row."""
    if not positional:
        cursor.executemany(text, [dict(zip(columns, row, strict=True)) for row in rows])
        return
    # SQLite's driver hands the interpreter's lock over for each row of `executemany`, and under load waits each time
    # until the event loop gives it back. A statement with many rows waits once.
    one = f"({', '.join('?' * len(columns))})"
    first, last = 0, len(rows)
    if one not in text:
        cursor.executemany(text, rows)
        return
    while first < last:
        # Powers of two: few different statements, so that each is prepared once and kept.
        number = min(MOST_ROWS, 1 << (last - first).bit_length() - 1)
        values = list(chain.from_iterable(rows[first : first + number]))
        cursor.execute(_with_rows(text, one, number), values)
        first += number


@lru_cache(maxsize=256)
def _with_rows(text: str, one: str, number: int) -> str:
    """The statement for so many rows; the same text again, whose hash the driver's cache need not work out anew."""
    return text.replace(one, ", ".join([one] * number))
