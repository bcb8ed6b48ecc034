import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from agent.store.dialects import run, upsert
from agent.store.tables import metadata


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_both_engines_know_how_to_insert_or_replace(table: Table) -> None:
    for name, dialect in (("sqlite", sqlite.dialect()), ("postgresql", postgresql.dialect())):
        text = " ".join(str(upsert(name, table).compile(dialect=dialect)).split())
        assert f"ON CONFLICT ({table.c[0].name}) DO UPDATE SET" in text
        for column in list(table.c)[1:]:
            assert f"{column.name} = excluded.{column.name}" in text


class Cursor:
    """Keeps what it is told to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, object]] = []

    def execute(self, text: str, values: list[object]) -> None:
        self.done.append((text, values))

    def executemany(self, text: str, rows: list[object]) -> None:
        self.done.append((text, rows))


def test_named_parameters_go_row_by_row() -> None:
    cursor = Cursor()
    run(cursor, "INSERT … %(id)s", ("id", "rank"), False, [("a", 1), ("b", 2)])  # type: ignore[arg-type]
    assert cursor.done == [("INSERT … %(id)s", [{"id": "a", "rank": 1}, {"id": "b", "rank": 2}])]


@pytest.mark.parametrize("number", [1, 2, 3, 63, 64, 65, 200])
def test_sqlite_takes_many_rows_in_one_statement(number: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY, rank INTEGER)")
        text = "INSERT INTO t (id, rank) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET rank = excluded.rank"
        rows = [(f"r{each}", each) for each in range(number)]
        run(connection.cursor(), text, ("id", "rank"), True, [("r0", 99)])  # type: ignore[arg-type]
        run(connection.cursor(), text, ("id", "rank"), True, rows)  # type: ignore[arg-type]
        assert sorted(connection.execute("SELECT id, rank FROM t")) == sorted(rows)
        run(connection.cursor(), "DELETE FROM t WHERE id = ?", ("id",), True, [(row[0],) for row in rows])  # type: ignore[arg-type]
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
