"""`lamplighter tokens create`: let a source hand in requests."""

import json
from typing import Annotated

import typer

from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.tokens import create
from agent.settings import Settings


def command(
    entry: Annotated[str, typer.Argument(help="Key of an entry under `connectors` in the settings.")],
    person: Annotated[
        str | None,
        typer.Argument(help="The person that the token speaks for; without: whoever a request names."),
    ] = None,
    note: Annotated[str, typer.Option(help="To tell it apart later, e.g. `alice's phone`.")] = "",
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Make a token and show it once, with the ways to use it. Only its hash is kept.

    Example: lamplighter tokens create owntracks alice --note "alice's phone"
    """
    loaded = load(settings)
    made = create(settings, loaded, entry, person, note)
    made["url"] = f"{base_url(loaded)}/in/t/{made['token']}"
    if as_json:
        print(json.dumps(made))
        return
    whose = f" for {person}" if person else ""
    print(f"Token {made['id']}{whose}. It is shown this once:\n\n  {made['token']}\n")
    print(f"In the address:        {made['url']}")
    print(f"As bearer or Basic:    {base_url(loaded)}/in/{entry}")
    print("                       Authorization: Bearer <token>, or any user name with the token as password")
    print(f"As query parameter:    {base_url(loaded)}/in/{entry}?token=<token>")
    if not loaded.ingress.enabled:
        print("\nNobody listens there yet: set `ingress: {enabled: true}`.")


def base_url(settings: Settings) -> str:
    """Where sources reach the ingress, without the final slash."""
    ingress = settings.ingress
    if ingress.public_url is not None:
        return ingress.public_url
    host = f"[{ingress.host}]" if ":" in ingress.host else ingress.host
    return f"{'https' if ingress.certificate else 'http'}://{host}:{ingress.port}"
