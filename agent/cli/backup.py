"""`lamplighter backup`: a consistent copy of the database, while the service runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.database_file import copying, database_file, size
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.errors import UserError
from agent.store.backup import back_up
from agent.store.errors import StoreError


def command(
    file: Annotated[
        Path, typer.Argument(help="Where the copy goes; only its owner will be able to read it.")
    ],
    settings: SettingsOption = DEFAULT_SETTINGS,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite FILE if it is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the database into one file. The service goes on meanwhile; the copy is the state of one moment, and whole.

    Example: lamplighter backup /var/backups/lamplighter.db
    """
    database = database_file(load(settings))
    if file.is_dir():
        raise UserError(f"{file} is a folder; name the file that the copy shall have")
    if file.exists() and not replace:
        raise UserError(f"{file} is there already; --replace overwrites it")
    if file.resolve() == database.resolve():
        raise UserError(f"{file} is the database itself")
    try:
        with copying("copying") as progress:
            found = back_up(database, file, progress)
    except StoreError as error:
        raise UserError(str(error)) from None
    if as_json:
        print(json.dumps({**found.to_json(), "file": str(file)}, ensure_ascii=False))
    else:
        rows = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.rows.items() if count)
        print(f"{file}: {size(file.stat().st_size)}, schema {found.schema}; {rows or 'no rows'}.")
