"""What the `lamplighter users` commands share: hashing, and keeping in the service or, when none runs, in its store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from agent import assembly
from agent.accounts import Accounts, name_problem
from agent.cli.control_client import ask, is_running
from agent.cli.options import load
from agent.cli.secret_input import first_line
from agent.cli.store_access import Opened, in_the_store
from agent.errors import EXIT_USAGE, UserError
from agent.settings import Settings
from agent.sip.digest import make_ha1s
from agent.web.users import Must

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        help="The first line of this file is the password; `-`: of standard input. Default: asked for."
    ),
]
UserName = Annotated[str, typer.Argument(help="The part of the SIP address before the @.")]


def read_password(file: Path | None) -> str:
    """Raises UserError; what was typed stands in none."""
    if file is None:
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = first_line(file)
    if not password:
        raise UserError("an empty password", (), EXIT_USAGE)
    return password


def hashes(username: str, realm: str, password: str) -> dict[str, str]:
    """Raises UserError for a name that can't be used."""
    if (problem := name_problem(username)) is not None:
        raise UserError(problem, (), EXIT_USAGE)
    return make_ha1s(username, realm, password)


def load_for_users(path: Path) -> tuple[Settings, str]:
    """The settings, and the realm of the passwords."""
    settings = load(path)
    return settings, assembly.realm(settings)


def keep(path: Path, settings: Settings, users: Mapping[str, Mapping[str, str]], must: Must) -> None:
    """All or none, in force at once when a service runs. Raises UserError."""
    if is_running(path):
        ask(path, "/v1/users", "POST", {"users": users, "must": must})
        return
    in_the_store(settings, lambda opened: _accounts(settings, opened).put(users, must))


def remove(path: Path, settings: Settings, username: str) -> None:
    """Raises UserError."""
    if is_running(path):
        ask(path, f"/v1/users/{quote(username, safe='')}", "DELETE")
        return
    in_the_store(settings, lambda opened: _accounts(settings, opened).remove([username]))


def listing(path: Path, settings: Settings) -> list[dict[str, Any]]:
    """As `Accounts.listing` has it."""
    if is_running(path):
        found: list[dict[str, Any]] = ask(path, "/v1/users")
        return found

    async def ask_store(opened: Opened) -> list[dict[str, Any]]:
        return _accounts(settings, opened).listing()

    return in_the_store(settings, ask_store)


def _accounts(settings: Settings, opened: Opened) -> Accounts:
    return assembly.accounts(settings, opened.store, opened.clock, opened.vault)
