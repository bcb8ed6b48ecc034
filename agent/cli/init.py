"""``lamplighter init``"""

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.keys_create import fresh_key
from agent.errors import UserError
from agent.settings.reference import sample
from agent.vault.keyring import KeyRing
from agent.vault.sources import write_keys
from rules.shipped import pack_text, schema_text


def command(
    directory: Annotated[Path, typer.Argument(help="Where the files go; made if need be.")] = Path("."),
    domain: Annotated[str, typer.Option(help="The SIP domain of the organisation.")] = "example.org",
) -> None:
    """Write lamplighter.yaml and rules.yaml to start from, rules.schema.json, by which editors complete and check
    rules, and lamplighter.key, which the passwords of linked accounts are encrypted with. Files that exist are never
    touched.

    Example: lamplighter init /etc/lamplighter --domain example.org
    """
    targets = [directory / name for name in ("lamplighter.yaml", "rules.yaml", "rules.schema.json")]
    key_file = directory / "lamplighter.key"
    if existing := [path for path in (*targets, key_file) if path.exists()]:
        raise UserError("there are files already, and init overwrites nothing", existing)
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in zip(targets, (sample(domain), pack_text("office"), schema_text()), strict=True):
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        print(f"wrote {path}")
    write_keys(key_file, KeyRing((fresh_key(),)))
    print(f"wrote {key_file}: keep a copy in a safe place, apart from backups of the database")
    settings, rules_file, _ = targets
    print(
        "\nNext:",
        f"  1. name your people and their calendars in {settings}",
        f"  2. lamplighter config check --settings {settings}",
        f"  3. lamplighter rules check {rules_file}",
        f"  4. lamplighter serve --settings {settings}",
        "  5. watch somebody from another terminal: lamplighter watch sip:alice@" + domain,
        sep="\n",
    )
