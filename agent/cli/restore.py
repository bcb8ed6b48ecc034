"""`lamplighter restore`: puts a copy of the database in its place, while no service runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.control_client import is_running
from agent.cli.database_file import copying, database_file
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.clock import SystemClock
from agent.errors import UserError
from agent.store.backup import restore
from agent.store.errors import StoreError


def command(
    file: Annotated[
        Path, typer.Argument(help="A copy made by `lamplighter backup`, of this version or an older one.")
    ],
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Put a copy in the place of the database. It is checked and brought to this version's schema first; the database
    that was there is kept beside it. Phones go on with their subscriptions: numbers rise above those given out before.

    Example: lamplighter restore /var/backups/lamplighter.db
    """
    database = database_file(load(settings))
    if is_running(settings):
        raise UserError(f"the service with {settings} runs; stop it first")
    aside = database.with_name(f"{database.name}.before-restore-{SystemClock().now():%Y%m%dT%H%M%SZ}")
    try:
        with copying("restoring") as progress:
            done = restore(file, database, aside, progress)
    except StoreError as error:
        raise UserError(str(error), [f"{database} is as it was"]) from None
    if as_json:
        kept = str(done.kept) if done.kept is not None else None
        print(
            json.dumps({**done.found.to_json(), "database": str(database), "kept": kept}, ensure_ascii=False)
        )
        return
    print(f"{database} is now the state of {file}.")
    if done.found.schema != done.found.newest_schema:
        print(f"Its schema was {done.found.schema} and is {done.found.newest_schema} now.")
    if done.kept is not None:
        print(f"What was there before is in {done.kept}.")
