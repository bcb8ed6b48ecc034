"""`lamplighter tokens revoke`: a token opens nothing any more."""

from typing import Annotated

import typer

from agent.cli.options import DEFAULT_SETTINGS, SettingsOption, load
from agent.cli.tokens import revoke


def command(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id from `tokens list`; not the token.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
) -> None:
    """Take a token away, at once and for good.

    Example: lamplighter tokens revoke 3fa9c01b
    """
    gone = revoke(settings, load(settings), token_id)
    whose = f" of {gone['person']}" if gone["person"] else ""
    print(f"The token {token_id}{whose} for {gone['entry']} opens nothing any more")
