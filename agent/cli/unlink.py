"""`lamplighter unlink`: an account less."""

import json
from typing import Annotated

import typer

from agent.cli import linked
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load


def command(
    person: Annotated[str, typer.Argument(help="Key of the person in the settings.")],
    source: Annotated[
        str | None, typer.Argument(help="What was given to `link`; may be left out when there is one.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="If it was linked with one.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Take back what `link` did: the account, its secret and what was known from it are forgotten at once.

    Example: lamplighter unlink alice caldav
    """
    gone = linked.unlink(settings, load(settings), person, source, name)
    print(json.dumps({"unlinked": gone}, ensure_ascii=False) if as_json else f"unlinked {gone}")
