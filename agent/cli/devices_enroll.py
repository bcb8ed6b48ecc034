"""`lamplighter devices enroll`: a code with which somebody's computer joins."""

import json
from typing import Annotated

import typer

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.tokens_create import base_url
from agent.errors import EXIT_USAGE, UserError
from agent.settings import Settings


def command(
    person: Annotated[str, typer.Argument(help="Key of the person in the settings.")],
    entry: Annotated[
        str | None,
        typer.Option(help="The entry of the connector `computer`; needed if there are several."),
    ] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Ask the running service for a code that enrolls one computer, good once and for a quarter of an hour.

    Example: lamplighter devices enroll alice
    """
    loaded = load(settings)
    wish = {"entry": entry or _entry(loaded), "person": person}
    made = ask(settings, "/v1/devices/code", "POST", wish)
    made["command"] = f"lamplighter device enroll {base_url(loaded)} {made['code']}"
    if as_json:
        print(json.dumps(made))
        return
    print(f"On {person}'s computer, within {made['seconds'] // 60} minutes:\n\n  {made['command']}\n")
    if not loaded.ingress.enabled:
        print("Nobody listens there yet: set `ingress: {enabled: true}`.")


def _entry(settings: Settings) -> str:
    entries = [key for key, entry in settings.connectors.items() if entry.connector == "computer"]
    if len(entries) == 1:
        return entries[0]
    if entries:
        raise UserError("which entry?", [f"--entry {' or --entry '.join(entries)}"], EXIT_USAGE)
    raise UserError(
        "no entry under `connectors` has the connector `computer`",
        ["add `computers: {connector: computer, everyone: true}` to the settings"],
    )
