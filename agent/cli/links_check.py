"""`lamplighter links check`: what linked accounts can see."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from agent.cli import linked
from agent.cli.link_report import print_report
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.errors import EXIT_PROBLEM


def command(
    people: Annotated[list[str] | None, typer.Argument(help="Whose; default: everybody's.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Ask each linked account now: which calendars it has, the next three events as presence would show them, what is
    not taken over, and every object that cannot be read, by name. Ends with 1 when one does not work.

    Example: lamplighter links check alice
    """
    reports = linked.check(settings, load(settings), people or [])
    if as_json:
        print(json.dumps(reports, ensure_ascii=False))
    else:
        for report in reports:
            print_report(report, Console())
        if not reports:
            print("nothing is linked")
    if not all(report["ok"] for report in reports):
        sys.exit(EXIT_PROBLEM)
