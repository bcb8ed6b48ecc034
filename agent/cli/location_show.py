"""`lamplighter location show`: what is kept of where somebody is."""

import json
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Column, Table

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption


def command(
    person: Annotated[str, typer.Argument(help="Key of the person in the settings.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Show all that the running service keeps of where somebody is: the zone of each device. Coordinates are kept
    nowhere.

    Example: lamplighter location show alice
    """
    rows = ask(settings, f"/v1/people/{quote(person, safe='')}/places")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        print(f"Nothing is kept of where {person} is.")
        return
    table = Table(Column("source", overflow="fold"), "zone", "since", "told", "known until", "tags")
    for row in rows:
        zone = row["zone"] or "in none of the zones"
        times = (_clock(row[name]) for name in ("since", "told", "known_until"))
        table.add_row(row["source"], zone, *times, ", ".join(row["tags"]))
    Console().print(table)
    print("That is all. Coordinates are kept nowhere.")


def _clock(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""
