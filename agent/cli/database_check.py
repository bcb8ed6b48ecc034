"""`lamplighter database check`: is the database whole, and of which version?"""

import json

import typer

from agent.cli.database_file import database_file, size
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.errors import EXIT_PROBLEM, UserError
from agent.store.database_file import examine
from agent.store.errors import StoreError


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Check every page and index of the database, and its schema. The service may run meanwhile.

    Example: lamplighter database check --settings /etc/lamplighter/lamplighter.yaml
    """
    try:
        found = examine(database_file(load(settings)))
    except StoreError as error:
        raise UserError(str(error)) from None
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
        raise typer.Exit(EXIT_PROBLEM if found.problems else 0)
    if found.problems:
        raise UserError(f"{found.file} is not well", found.problems)
    print(f"{found.file}: whole, {size(found.size)}, schema {found.schema or 'none yet'}")
    if found.schema is not None and found.schema != found.newest_schema:
        print(f"The next start brings it to schema {found.newest_schema}.")
    for name, count in found.rows.items():
        print(f"  {count:>9}  {name.replace('_', ' ')}")
