"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from agent.settings import Settings, load_settings

DEFAULT_SETTINGS = Path("lamplighter.yaml")

SettingsOption = Annotated[
    Path, typer.Option("--settings", "-s", envvar="LAMPLIGHTER_SETTINGS", help="The settings file.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def load(path: Path) -> Settings:
    """The settings with the process's environment applied, or `UserError` with every problem."""
    return load_settings(path, os.environ)
