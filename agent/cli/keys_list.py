"""`lamplighter keys list`: which keys there are."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.cli.control_client import ask, is_running
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.store_access import Opened, in_the_store


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Show the ids of the keys, where they are kept and how many secrets each has encrypted. Never the keys.

    Example: lamplighter keys list --json
    """

    async def listing(opened: Opened) -> list[dict[str, Any]]:
        return opened.keys.listing()

    loaded = load(settings)
    rows: list[dict[str, Any]] = (
        ask(settings, "/v1/keys") if is_running(settings) else in_the_store(loaded, listing, need_keys=False)
    )
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        print("no keys; `lamplighter keys create` makes one")
        return
    table = Table("key", "secrets", "kept in", "")
    for row in rows:
        remark = "encrypts what is new" if row["current"] else "MISSING" if not row["known"] else ""
        table.add_row(row["key"], str(row["secrets"]), row["kept"] or "", remark)
    Console().print(table)
