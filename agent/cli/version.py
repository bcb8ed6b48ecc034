"""``lamplighter version``"""

import json
import platform
import sqlite3
from importlib.metadata import version

from agent.cli.options import JsonOption
from agent.sip import endpoint

SHOWN = ("sipmessage", "lxml", "pydantic", "SQLAlchemy", "aiohttp", "icalendar")
"The packages that a fault most often lies between."


def command(as_json: JsonOption = False) -> None:
    """Show the version and what it runs on, for reports of faults.

    Example: lamplighter version --json
    """
    found = {
        "lamplighter": version("lamplighter"),
        "hot path": "Python" if str(endpoint.__file__).endswith(".py") else "compiled",
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in SHOWN},
    }
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, text in found.items():
        print(f"{name:<12} {text}")
