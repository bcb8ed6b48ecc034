"""`lamplighter connectors show`: a connector's page and settings."""

import json
from importlib.resources import files
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from agent.cli.options import JsonOption
from agent.errors import EXIT_USAGE, UserError
from connectors.errors import Misconfigured
from connectors.registry import load


def command(
    name: Annotated[str, typer.Argument(help="Name of a connector, as `connectors list` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Show what a connector does and every setting of it. With --json: the JSON Schema of its settings.

    Example: lamplighter connectors show webhook
    """
    try:
        made_of = load(name)
    except Misconfigured as error:
        raise UserError(error.words, (), EXIT_USAGE) from None
    model = made_of.settings_model
    if as_json:
        print(json.dumps({**made_of.manifest.model_dump(mode="json"), "schema": model.model_json_schema()}))
        return
    console = Console()
    page = files(made_of.package) / "README.md"
    if page.is_file():
        console.print(Markdown(page.read_text(encoding="utf-8")))
    table = Table("setting", "what it does", title="Settings", title_justify="left")
    for key, field in model.model_fields.items():
        needed = " [bold](needed)[/bold]" if field.is_required() else ""
        table.add_row(f"{key}{needed}", field.description or "")
    console.print(table)
