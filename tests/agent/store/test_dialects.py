import pytest
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from agent.store.dialects import parameters, upsert
from agent.store.tables import metadata


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_both_engines_know_how_to_insert_or_replace(table: Table) -> None:
    for name, dialect in (("sqlite", sqlite.dialect()), ("postgresql", postgresql.dialect())):
        text = " ".join(str(upsert(name, table).compile(dialect=dialect)).split())
        assert f"ON CONFLICT ({table.c[0].name}) DO UPDATE SET" in text
        for column in list(table.c)[1:]:
            assert f"{column.name} = excluded.{column.name}" in text


def test_parameters_in_both_styles() -> None:
    rows = [("a", 1), ("b", 2)]
    assert parameters(("id", "rank"), True, rows) == rows
    assert parameters(("id", "rank"), False, rows) == [{"id": "a", "rank": 1}, {"id": "b", "rank": 2}]
