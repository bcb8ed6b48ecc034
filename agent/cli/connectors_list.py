"""`lamplighter connectors list`: what kinds of source there are, and which the settings name."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from connectors.errors import Misconfigured
from connectors.registry import load as load_connector
from connectors.registry import names


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Show every connector, what it brings, and the entries of the settings that use it.

    Example: lamplighter connectors list --json
    """
    used = _entries(settings)
    rows = [_row(name, used) for name in names()]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("connector", "facts", "what it is", "entries")
    for row in rows:
        table.add_row(row["name"], ", ".join(row["facts"]), row["summary"], ", ".join(row["entries"]))
    Console().print(table)


def _row(name: str, used: dict[str, list[str]]) -> dict[str, Any]:
    try:
        manifest = load_connector(name).manifest
    except Misconfigured as error:
        return {"name": name, "summary": error.words, "facts": [], "entries": used.get(name, [])}
    return {
        "name": name,
        "title": manifest.title,
        "summary": manifest.summary,
        "kind": manifest.kind,
        "facts": [kind.value for kind in manifest.facts],
        "entries": used.get(name, []),
    }


def _entries(settings: Path) -> dict[str, list[str]]:
    """Connector -> keys of the entries that use it; nothing when there are no settings yet."""
    if not settings.exists():
        return {}
    used: dict[str, list[str]] = {}
    for key, entry in load(settings).connectors.items():
        used.setdefault(entry.connector, []).append(key)
    return used
