"""`lamplighter choose`: say yourself what you want to be shown as, and until when."""

import json
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption
from agent.clock import SystemClock


def command(
    person: Annotated[str, typer.Argument(help="For whom: a key under `people` in the settings.")],
    choice: Annotated[
        list[str],
        typer.Argument(
            help="`STATE`, `STATE 45m`, `STATE until 15:00` or `STATE until I come back`, with `: a note` after it if "
            "you like; `auto` takes a choice back."
        ),
    ],
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Choose what somebody is shown as. No calendar and no phone fights it; when it ends, the rules decide again.

    Example: lamplighter choose alice "lunch 45m"
    """
    answer = ask(settings, f"/v1/people/{quote(person, safe='')}/choice", "POST", {"text": " ".join(choice)})
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        print(words(answer))


def words(answer: dict[str, Any]) -> str:
    """``Alice is shown as lunch until 12:45.``"""
    said = f"{answer['name']} is shown as {answer['state']}"
    if answer["until_return"] and answer["state"] == answer["chosen"]:
        said += " until a device is used again after a break"
    elif answer["until"] is not None:
        said += f" until {_moment(answer['until'])}"
    if answer["note"]:
        said += f', "{answer["note"]}"'
    if answer["chosen"] is None:
        return f"{said}, as the rules say."
    if answer["chosen"] != answer["state"]:
        return f"{said}: the rule `{answer['rule']}` stands above the choice of {answer['chosen']}, which is kept."
    return f"{said}."


def _moment(text: str) -> str:
    """In the person's own time, as the service says it."""
    moment = datetime.fromisoformat(text)
    today = moment.date() == SystemClock().now().astimezone(moment.tzinfo).date()
    return f"{moment:%H:%M}" if today else f"{moment:%a %d %b %H:%M}"
