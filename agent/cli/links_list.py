"""`lamplighter links`: who has linked what, and how it is."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agent.cli import linked
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load


def command(
    people: Annotated[list[str] | None, typer.Argument(help="Whose; default: everybody's.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Show the linked accounts and their health, as the running service has it.

    Example: lamplighter links --json
    """
    rows = [row for row in linked.listing(settings, load(settings)) if not people or row["person"] in people]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        print("nothing is linked; `lamplighter link` does it")
        return
    table = Table("link", "person", "connector", "kept in", "state", "what it means")
    for row in rows:
        state = "stale" if row["stale"] else row["state"] or "no service runs"
        words = "\n".join([row["words"], *row["problems"]])
        table.add_row(row["link"], row["person"], row["connector"], row["kept"], state, words)
    Console().print(table)
