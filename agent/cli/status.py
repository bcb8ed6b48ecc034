"""`lamplighter status`: everybody's state and every source's health, as the running service has them."""

import json
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Show who is shown as what and by which rule, and which calendars answer, from the running service.

    Example: lamplighter status --settings /etc/lamplighter/lamplighter.yaml
    """
    board, links = ask(settings, "/v1/board"), ask(settings, "/v1/links")
    if as_json:
        print(json.dumps({"people": board, "links": links}, ensure_ascii=False))
        return
    console = Console()
    console.print(_people(board))
    if links:
        console.print(_links(links))


def _people(board: list[dict[str, Any]]) -> Table:
    table = Table("person", "state", "lamp", "note", "until", "rule", title="People", title_justify="left")
    for row in board:
        table.add_row(
            row["name"],
            row["state"],
            row["lamp"],
            row["note"] or "",
            _clock(row["until"]),
            row["rule"] or "",
        )
    return table


def _links(links: list[dict[str, Any]]) -> Table:
    table = Table("link", "state", "last heard", "what it means", title="Sources", title_justify="left")
    for row in links:
        words = "\n".join([row["words"], *row["problems"]])
        table.add_row(
            row["link"], "stale" if row["stale"] else row["state"], _clock(row["last_heard"]), words
        )
    return table


def _clock(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}" if moment else ""
