"""`lamplighter tokens list`: which tokens there are."""

import json

from rich.console import Console
from rich.table import Table

from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.tokens import listing


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Show every token's id, what it is for, and when it was made; never the token itself.

    Example: lamplighter tokens list --json
    """
    rows = listing(settings, load(settings))
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("id", "entry", "person", "note", "made", title="Tokens", title_justify="left")
    for row in rows:
        table.add_row(row["id"], row["entry"], row["person"] or "", row["note"], row["created"][:10])
    Console().print(table)
