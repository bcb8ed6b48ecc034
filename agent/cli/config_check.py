"""``lamplighter config check``"""

import json
import os
from dataclasses import asdict

import typer

from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption
from agent.errors import EXIT_PROBLEM
from agent.settings import read_settings
from agent.settings.links import links


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Check the settings file, with the environment applied, and name every problem by line and column.

    Example: lamplighter config check --settings /etc/lamplighter/lamplighter.yaml
    """
    loaded = read_settings(settings, os.environ)
    problems = loaded.problems
    if as_json:
        print(
            json.dumps(
                {"file": str(settings), "problems": [asdict(problem) for problem in problems]}, indent=2
            )
        )
    elif loaded.settings is None:
        print(*problems, sep="\n")
        print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
    else:
        people = loaded.settings.people
        linked = len(links(loaded.settings))
        print(f"{settings}: correct (people: {len(people)}, links: {linked})")
    if problems:
        raise typer.Exit(EXIT_PROBLEM)
