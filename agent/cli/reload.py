"""`lamplighter reload`: settings and rules read again by the running service, and what it makes of them."""

import json

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption
from agent.errors import UserError


def command(settings: SettingsOption = DEFAULT_SETTINGS, as_json: JsonOption = False) -> None:
    """Have the running service read settings and rules again. It notices changed files by itself too; this says at
    once whether they are good.

    Example: lamplighter reload --settings /etc/lamplighter/lamplighter.yaml
    """
    answer = ask(settings, "/v1/reload", "POST")
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    if answer["problems"]:
        raise UserError("settings and rules stay as they were", answer["problems"])
    if not as_json:
        print("settings and rules are in force")
        for section in answer["restart"]:
            print(f"`{section}` has changed, but only a restart puts it in force")
