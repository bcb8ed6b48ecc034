"""What the `lamplighter users` commands share: hashing, and keeping in the service or, when none runs, in its store."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import typer

from agent import assembly
from agent.accounts import Accounts, name_problem
from agent.cli.control_client import ask, is_running
from agent.cli.options import load
from agent.clock import SystemClock
from agent.errors import EXIT_USAGE, UserError
from agent.settings import Settings
from agent.sip.digest import make_ha1s
from agent.store.errors import StoreError
from agent.store.store import Store
from agent.web.users import Must

Result = TypeVar("Result")

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
        source = sys.stdin if str(file) == "-" else None
        try:
            text = source.readline() if source is not None else file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{file} is not UTF-8 text") from None
        password = text.partition("\n")[0].rstrip("\r")
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
    _directly(settings, lambda accounts: accounts.put(users, must))


def remove(path: Path, settings: Settings, username: str) -> None:
    """Raises UserError."""
    if is_running(path):
        ask(path, f"/v1/users/{quote(username, safe='')}", "DELETE")
        return
    _directly(settings, lambda accounts: accounts.remove([username]))


def listing(path: Path, settings: Settings) -> list[dict[str, Any]]:
    """As `Accounts.listing` has it."""
    if is_running(path):
        found: list[dict[str, Any]] = ask(path, "/v1/users")
        return found

    async def ask_store(accounts: Accounts) -> list[dict[str, Any]]:
        return accounts.listing()

    return _directly(settings, ask_store)


def _directly(settings: Settings, work: Callable[[Accounts], Awaitable[Result]]) -> Result:
    if settings.store.url == "memory:":
        raise UserError(
            "no service runs, and its store keeps nothing (`store.url: memory:`)",
            ["start the service first, or give the store a file"],
        )

    async def run() -> Result:
        clock = SystemClock()
        store = await Store.open(settings.store.url_with_password(), clock)
        try:
            return await work(assembly.accounts(settings, store, clock))
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except (ValueError, StoreError) as error:
        raise UserError(str(error)) from None
