"""Brings a database's tables to this version's, forward only."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from agent.store.errors import StoreTooNew

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Run what is missing, inside the caller's transaction. Raises StoreTooNew."""
    config = _config()
    config.attributes["connection"] = connection
    current = MigrationContext.configure(connection).get_current_revision()
    if current != ScriptDirectory.from_config(config).get_current_head():
        check_known(current)
        command.upgrade(config, "head")


def newest() -> str:
    """The schema that this version brings databases to."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def check_known(revision: str | None) -> None:
    """Raises StoreTooNew for a schema that only a newer version can know. None: no schema yet."""
    scripts = ScriptDirectory.from_config(_config())
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreTooNew(
            f"the database has schema {revision}, which this version does not know: it was written by a newer "
            "Lamplighter; use that one, or restore a backup made before the upgrade"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
