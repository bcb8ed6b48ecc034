"""``lamplighter config show``"""

import json
from typing import Any

import yaml
from pydantic import SecretStr

from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.telemetry import redact
from agent.telemetry.redact import HIDDEN, SECRET_NAME


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Show the settings in effect: the file, the environment and the defaults together. Passwords are hidden.

    Example: lamplighter config show --json
    """
    shown = masked(load(settings).model_dump(mode="python"))
    if as_json:
        print(json.dumps(shown, indent=2))
    else:
        print(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=110), end="")


def masked(value: Any, name: str = "") -> Any:
    """Plain JSON values, with every secret hidden: known ones, and what goes by a secret's name."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): masked(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(inner, name) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    if SECRET_NAME.match(name) and name != "secret":
        return HIDDEN
    return redact(str(value))
