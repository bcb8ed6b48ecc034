"""`lamplighter location forget`: forget where somebody is."""

from typing import Annotated
from urllib.parse import quote

import typer

from agent.cli.control_client import ask
from agent.cli.options import DEFAULT_SETTINGS, SettingsOption


def command(
    person: Annotated[str, typer.Argument(help="Key of the person in the settings.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
) -> None:
    """Delete all that is kept of where somebody is. What their devices tell from now on counts again; to end that,
    revoke their token or take the link out.

    Example: lamplighter location forget alice
    """
    gone = ask(settings, f"/v1/people/{quote(person, safe='')}/places", "DELETE")["forgotten"]
    print(
        f"Forgotten: {gone} place{'' if gone == 1 else 's'} of {person}."
        if gone
        else f"Nothing was kept of {person}."
    )
