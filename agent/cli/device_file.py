"""Where this computer keeps what it knows of its service."""

import os
from pathlib import Path
from typing import Annotated

import typer

_FOLDER = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
DEFAULT_FILE = _FOLDER / "lamplighter" / "device.json"
FileOption = Annotated[
    Path, typer.Option("--file", help="Where this computer's token is kept.", show_default=False)
]
