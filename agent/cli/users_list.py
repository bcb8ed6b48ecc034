"""`lamplighter users list`: who may sign in."""

import json

from rich.console import Console
from rich.table import Table

from agent.cli.accounts import listing, load_for_users
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Show who may sign in, and for which algorithms there is a hash.

    Example: lamplighter users list --json
    """
    loaded, realm = load_for_users(settings)
    rows = listing(settings, loaded)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("user", "kept in", "algorithms", title=f"Users of {realm}", title_justify="left")
    for row in rows:
        kept = row["kept"] if row["usable"] else f"{row['kept']}, for another realm: needs a new password"
        table.add_row(row["username"], kept, ", ".join(row["algorithms"]))
    Console().print(table)
