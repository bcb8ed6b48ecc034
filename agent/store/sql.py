"""The store's database: one thread, one connection, one transaction per group.

The thread does all of it, so the event loop pays only for handing a group over. Statements are compiled once and
go past SQLAlchemy straight to the driver (docs/decisions/0003-store.md has the measurements).
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, bindparam, delete, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from agent.store import dialects, tables
from agent.store.codec import ENCODERS, decoders
from agent.store.database import Done, Loaded
from agent.store.errors import StoreError, StoreUnavailable
from agent.store.group import LAST_CHANGE, STARTS, TRUSTED_UNTIL, Batch
from agent.store.heartbeat import TRUST
from agent.store.migrate import migrate
from agent.store.rows import Kind, Row

_log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One compiled statement and how its driver wants the parameters."""

    text: str
    columns: tuple[str, ...]
    positional: bool

    def run(self, cursor: DBAPICursor, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            dialects.run(cursor, self.text, self.columns, self.positional, rows)


def _compiled(engine: Engine, statement: Any, columns: tuple[str, ...]) -> _Statement:
    compiled = statement.compile(dialect=engine.dialect)
    if compiled.positional and tuple(compiled.positiontup) != columns:
        raise AssertionError(f"parameters of {compiled} are not in the order {columns}")
    return _Statement(str(compiled), columns, compiled.positional)


class SqlDatabase:
    """Satisfies `agent.store.database.Database`."""

    def __init__(self, url: str, *, durability: dialects.Durability, lock_patience: float) -> None:
        self._engine = dialects.create(url, durability=durability, lock_patience=lock_patience)
        self._driver_errors = (*dialects.DRIVER_ERRORS, self._engine.dialect.loaded_dbapi.Error)
        self._name = self._engine.url.render_as_string(hide_password=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._puts: dict[Kind, _Statement] = {}
        self._removals: dict[Kind, _Statement] = {}
        for kind in Kind:
            table = tables.metadata.tables[kind]
            key = next(iter(table.primary_key.columns))
            self._puts[kind] = self._upsert(table)
            removal = delete(table).where(key == bindparam(key.name))
            self._removals[kind] = _compiled(self._engine, removal, (key.name,))
        self._put_sequence = self._upsert(tables.sequences)

    def _upsert(self, table: Table) -> _Statement:
        columns = tuple(column.name for column in table.c)
        return _compiled(self._engine, dialects.upsert(self._engine.dialect.name, table), columns)

    async def open(self, now: float) -> Loaded:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._explained, partial(self._open, now))
        except BaseException:
            await self.close()
            raise

    def write(self, batch: Batch, done: Done) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            error: StoreUnavailable | None = None
            try:
                self._explained(partial(self._write, batch))
            except StoreUnavailable as problem:
                error = problem
            loop.call_soon_threadsafe(done, error)

        self._thread.submit(work)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=False)

    def _explained(self, work: Callable[[], ResultT]) -> ResultT:
        """Whatever goes wrong becomes a StoreError without row contents."""
        try:
            return work()
        except StoreError:
            raise
        except DBAPIError as error:
            # Only the first line: PostgreSQL quotes statements and keys in the others.
            reason = str(error.orig).partition("\n")[0]
            raise StoreUnavailable(f"{self._name}: {reason}") from None
        except self._driver_errors as error:
            raise StoreUnavailable(f"{self._name}: {str(error).partition(chr(10))[0]}") from None
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"{self._name}: {type(error).__name__}") from None
        except Exception as error:
            # Ours, not the database's; but the writers who wait must hear something.
            _log.error("the store's writer failed with %s", type(error).__name__)
            _log.debug("details", exc_info=True)
            raise StoreUnavailable(f"{self._name}: internal error {type(error).__name__}") from None

    def _open(self, now: float) -> Loaded:
        with self._engine.begin() as connection:
            migrate(connection)
            starts = self._sequence(connection, STARTS) + 1
            if now > self._sequence(connection, TRUSTED_UNTIL) / 1000:
                connection.execute(delete(tables.told))
            trusted = int((now + TRUST) * 1000)
            # In the same transaction: a start that is killed at any moment leaves nothing in doubt.
            self._put_sequence.run(_cursor(connection), [(STARTS, starts), (TRUSTED_UNTIL, trusted)])
            rows: list[tuple[Kind, str, Row]] = []
            for kind, decode in decoders(starts).items():
                table = tables.metadata.tables[kind]
                names = tuple(column.name for column in table.c)
                # The first column of every table is its key.
                rows.extend(
                    (kind, found[0], decode(dict(zip(names, found, strict=True))))
                    for found in connection.execute(select(table))
                )
            last_change = self._sequence(connection, LAST_CHANGE)
        rows.sort(key=_in_the_order_of_making)
        return Loaded(rows, last_change, starts, trusted / 1000)

    def _sequence(self, connection: Connection, name: str) -> int:
        table = tables.sequences
        return connection.execute(select(table.c.value).where(table.c.name == name)).scalar() or 0

    def _write(self, batch: Batch) -> None:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            dialects.begin(cursor, self._engine.dialect.name)
            for kind, rows in batch.puts.items():
                self._puts[kind].run(cursor, list(map(ENCODERS[kind], rows)))
            for kind, keys in batch.removals.items():
                self._removals[kind].run(cursor, [(key,) for key in keys])
            self._put_sequence.run(cursor, list(batch.sequences.items()))
            connection.commit()
        finally:
            connection.close()  # back to the pool, which rolls back what was not committed


def _cursor(connection: Connection) -> DBAPICursor:
    """Within SQLAlchemy's transaction."""
    return connection.connection.cursor()


def _in_the_order_of_making(entry: tuple[Kind, str, Row]) -> tuple[float, str]:
    _, key, row = entry
    return getattr(row, "created_at", 0.0), key
