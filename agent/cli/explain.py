"""`lamplighter explain`: why the running service shows somebody as it does."""

import json
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption
from agent.errors import EXIT_USAGE, UserError


def command(
    person: Annotated[str, typer.Argument(help="Whom to explain: a key under `people` in the settings.")],
    at: Annotated[
        str | None,
        typer.Option(help="Another moment, e.g. 2026-03-02T10:21, by what is known now. Default: now."),
    ] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Ask the running service why somebody is shown as they are: each rule, each condition, the fact behind it, its
    source and its age.

    `lamplighter rules explain` does the same from files, without a service.

    Example: lamplighter explain alice --at 2026-03-02T10:21
    """
    query = ""
    if at is not None:
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise UserError(f"{at!r} is no moment", ["expected e.g. 2026-03-02T10:21"], EXIT_USAGE) from None
        query = f"?at={quote(moment.astimezone().isoformat())}"
    answer = ask(settings, f"/v1/people/{quote(person, safe='')}/explain{query}")
    if as_json:
        print(json.dumps({key: value for key, value in answer.items() if key != "text"}, ensure_ascii=False))
    else:
        print(answer["text"])
