from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from agent.store.migrate import migrate
from agent.store.tables import metadata


def test_the_migrations_make_the_tables_of_the_metadata() -> None:
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            migrate(connection)
            migrate(connection)
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            assert compare_metadata(context, metadata) == []
            for table in metadata.tables.values():
                (key,) = inspect(connection).get_pk_constraint(table.name)["constrained_columns"]
                assert key == table.c[0].name, "loading takes the first column for the key"
    finally:
        engine.dispose()
