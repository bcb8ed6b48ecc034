"""`lamplighter keys create`: the first key of an installation, or one for a secret store."""

import secrets
from typing import Annotated

import typer

from agent.cli.options import DEFAULT_SETTINGS, SettingsOption, load
from agent.errors import UserError
from agent.vault.keyring import KEY_SIZE, Key, KeyRing
from agent.vault.sources import write_keys


def command(
    settings: SettingsOption = DEFAULT_SETTINGS,
    show: Annotated[
        bool, typer.Option("--print", help="Print a key for a variable or a secret store; write nothing.")
    ] = False,
) -> None:
    """Make the key file of an installation that has none; `lamplighter init` makes it for new ones. A service takes it
    up when it is started again, and encrypts what it has.

    Example: lamplighter keys create --settings /etc/lamplighter/lamplighter.yaml
    """
    key = fresh_key()
    if show:
        print(key.text)
        return
    file = load(settings).store.key_file
    if file.exists():
        raise UserError(f"{file} is there already", ["`lamplighter keys rotate` puts a new key in its place"])
    write_keys(file, KeyRing((key,)))
    print(
        f"wrote {file} with the key {key.id}; keep a copy of it in a safe place, apart from backups of the database"
    )


def fresh_key() -> Key:
    return Key(secrets.token_bytes(KEY_SIZE))
