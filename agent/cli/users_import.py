"""`lamplighter users import`: many users from a file."""

import csv
import re
from pathlib import Path
from typing import Annotated

import typer

from agent.accounts import name_problem
from agent.cli.accounts import keep, load_for_users
from agent.cli.options import DEFAULT_SETTINGS, SettingsOption
from agent.errors import UserError
from agent.sip.digest import make_ha1s
from rules.yaml_marks import Problem

_HTDIGEST = re.compile(r"([^:,]+):([^:]*):([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32})\Z")


def command(
    file: Annotated[
        Path, typer.Argument(help="Lines of `user,password`, or of htdigest: `user:realm:hash`.")
    ],
    settings: SettingsOption = DEFAULT_SETTINGS,
) -> None:
    """Take users from a CSV or htdigest file, all or none; those that are there already get the new password.

    Example: lamplighter users import users.csv
    """
    loaded, realm = load_for_users(settings)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text") from None
    users, problems = read_users(text, realm, str(file))
    if problems:
        raise UserError(f"{file}: nothing was imported", problems)
    keep(settings, loaded, users, "be named")
    print(f"{len(users)} user{'' if len(users) == 1 else 's'} imported")


def read_users(text: str, realm: str, name: str) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """(user name -> hash name -> HA1, every problem with its line; no password stands in any)."""
    users: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#") or (number == 1 and line.lower() == "user,password"):
            continue
        made: dict[str, str] = {}
        if (found := _HTDIGEST.match(line.strip())) is not None:
            username, its_realm, digest = found.groups()
            if its_realm != realm:
                problems.append(Problem(name, number, 1, f"made for the realm {its_realm!r}, not {realm!r}"))
                continue
            made["MD5" if len(digest) == 32 else "SHA-256"] = digest.lower()
        else:
            cells = next(csv.reader([line]))
            if len(cells) != 2 or not cells[1]:
                problems.append(Problem(name, number, 1, "expected user,password or user:realm:hash"))
                continue
            username = cells[0].strip()
            made = make_ha1s(username, realm, cells[1])
        if (wrong := name_problem(username)) is not None:
            problems.append(Problem(name, number, 1, wrong))
            continue
        known = users.setdefault(username, {})
        if known.keys() & made.keys():
            problems.append(Problem(name, number, 1, f"{username} is here twice"))
        known.update(made)
    return users, problems
