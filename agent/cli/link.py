"""`lamplighter link`: one more account of one person."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from agent.cli import linked
from agent.cli.link_consent import sign_in
from agent.cli.link_report import print_report
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.secret_input import secret_in_file
from agent.errors import EXIT_PROBLEM, EXIT_UNREACHABLE, EXIT_USAGE, UserError
from agent.linked_accounts import LinkedAccount
from agent.settings import Settings
from agent.settings.links import link_of
from connectors.errors import Misconfigured
from connectors.registry import Manifest, find
from connectors.registry import load as load_connector


def command(
    person: Annotated[str, typer.Argument(help="Key of the person in the settings.")],
    source: Annotated[
        str,
        typer.Argument(
            help="An entry under `connectors`, or a connector: caldav, ics, exchange, microsoft, …"
        ),
    ],
    url: Annotated[str | None, typer.Option(help="Address of the source; short for `--set url=…`.")] = None,
    username: Annotated[
        str | None, typer.Option(help="User name there; short for `--set username=…`.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Tells several links of one person to the same source apart.")
    ] = None,
    settings_of_it: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the connector, such as `--set 'calendars={Work: work}'`."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            help="The first line of this file is the secret (of a key file, all of it); `-`: of standard input. "
            "Default: asked for."
        ),
    ] = None,
    password: Annotated[bool, typer.Option(help="There is a secret at all.")] = True,
    browser: Annotated[
        bool, typer.Option(help="Sign in by a page in this machine's browser, though there are codes.")
    ] = False,
    check: Annotated[bool, typer.Option(help="Try it first, and keep it only if it works.")] = True,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Link somebody's calendar or another account: it is tried, kept encrypted, and in force at once. Where the person
    has to sign in at the source, an address is shown and waited for.

    Example: lamplighter link alice caldav --url https://cal.example.org/ --username alice
    """
    given: dict[str, Any] = {"url": url, "username": username}
    given = {key: value for key, value in given.items() if value is not None}
    given.update(_read_setting(text) for text in settings_of_it or ())
    loaded = load(settings)
    check_names(loaded, LinkedAccount(person, source, name, given))
    account = LinkedAccount(person, source, name, given)
    consented = sign_in(loaded, account, browser=browser, console=Console(stderr=as_json))
    wanted = password and (password_file is not None or not (consented or _has_secret(loaded, source)))
    secret = _secret(_manifest(loaded, source), given, password_file) if wanted else None
    done = linked.link(settings, loaded, replace(account, secret=secret), check, consented)
    report = done["report"]
    if as_json:
        print(json.dumps(done, ensure_ascii=False))
    else:
        if report is not None:
            print_report(report, Console())
        print(
            f"linked {done['link']}" if done["kept"] else f"{done['link']} was not linked; --no-check insists"
        )
    if not done["kept"]:
        sys.exit(EXIT_UNREACHABLE if report["state"] == "unreachable" else EXIT_PROBLEM)


def check_names(settings: Settings, account: LinkedAccount) -> None:
    """Before a password is asked for. Raises UserError."""
    try:
        link_of(settings, account)
    except ValueError as error:
        raise UserError(str(error)) from None


def _read_setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {text}: expected KEY=VALUE", (), EXIT_USAGE)
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise UserError(f"--set {key}: the value is not YAML", (), EXIT_USAGE) from None


def _has_secret(settings: Settings, source: str) -> bool:
    """Links of the entry that have no secret of their own use its."""
    entry = settings.connectors.get(source)
    return entry is not None and entry.revealed is not None


def _manifest(settings: Settings, source: str) -> Manifest | None:
    """None: there is no such source, which is told later and better."""
    entry = settings.connectors.get(source)
    try:
        name = entry.connector if entry is not None else find(source)
        return None if name is None else load_connector(name).manifest
    except Misconfigured:
        return None


def _secret(manifest: Manifest | None, given: dict[str, Any], file: Path | None) -> str | None:
    """From the file or the prompt; None when none is wanted. Raises UserError; what was typed stands in none."""
    if file is not None:
        secret = secret_in_file(file)
    elif (
        manifest is None
        or manifest.secret is None
        or (manifest.secret_setting in given and "username" not in given)
    ):
        return None
    else:
        secret = typer.prompt(f"Secret ({manifest.secret})", hide_input=True, err=True)
    if not secret:
        raise UserError("an empty secret", ["--no-password if there is none"], EXIT_USAGE)
    return secret
