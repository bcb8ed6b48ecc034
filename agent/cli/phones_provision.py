"""`lamplighter phones provision`: what to put into a desk phone so that it reports its calls."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.cli.tokens import create
from agent.cli.tokens_create import base_url
from agent.errors import EXIT_USAGE, UserError
from agent.settings import Settings
from connectors.phone.provision import MOST_CHARACTERS, Snippet, provision
from connectors.phone.settings import Vendor


def command(
    people: Annotated[list[str], typer.Argument(help="Whose phones: keys of people in the settings.")],
    vendor: Annotated[Vendor, typer.Option(help="Who made the phones.")],
    entry: Annotated[
        str | None,
        typer.Option(help="The entry of the connector `phone` in the settings; needed if there are several."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="A key that says something, `LABEL=TEXT`, such as `Lunch=lunch 45m`; may be repeated."
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Write a file for each person into this folder, instead of printing.")
    ] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Make a token for each phone, and write the part of its configuration that has the addresses to call.

    Example: lamplighter phones provision alice --vendor yealink --key "Lunch=lunch 45m" --key "Back=auto"
    """
    loaded = load(settings)
    if len(people) > 1 and into is None and not as_json:
        raise UserError("several phones", ["--into FOLDER writes a file for each"], EXIT_USAGE)
    keys = dict(_key(text) for text in key or ())
    entry = entry or _entry(loaded)
    made = {person: _snippet(settings, loaded, entry, person, vendor, keys) for person in people}
    if as_json:
        print(json.dumps({person: _as_json(snippet) for person, snippet in made.items()}))
        return
    for person, snippet in made.items():
        if into is None:
            print(snippet.text)
            print(f"{snippet.how} The addresses hold a token: treat them like a password.")
        else:
            path = _write(into, person, snippet)
            print(f"{path}: {snippet.how}")
    if not loaded.ingress.enabled:
        print("\nNobody listens there yet: set `ingress: {enabled: true}`.")


def _snippet(
    path: Path, settings: Settings, entry: str, person: str, vendor: Vendor, keys: dict[str, str]
) -> Snippet:
    token = create(path, settings, entry, person, f"{vendor} phone")["token"]
    snippet = provision(vendor, f"{base_url(settings)}/in/t/{token}", keys)
    longest = max(map(len, snippet.text.split()))
    if longest > MOST_CHARACTERS:
        raise UserError(
            f"an address of {longest} characters: phones take up to {MOST_CHARACTERS}",
            ["shorten `ingress: public_url`, or what the keys say"],
        )
    return snippet


def _entry(settings: Settings) -> str:
    entries = [key for key, entry in settings.connectors.items() if entry.connector == "phone"]
    if len(entries) == 1:
        return entries[0]
    if entries:
        raise UserError("which entry?", [f"--entry {' or --entry '.join(entries)}"], EXIT_USAGE)
    raise UserError(
        "no entry under `connectors` has the connector `phone`",
        ["add `phones: {connector: phone, everyone: true}` to the settings"],
    )


def _key(text: str) -> tuple[str, str]:
    label, equals, said = text.partition("=")
    if not (equals and label.strip() and said.strip()):
        raise UserError(f"--key {text}: expected LABEL=TEXT, such as `Lunch=lunch 45m`", (), EXIT_USAGE)
    return label.strip(), said.strip()


def _write(folder: Path, person: str, snippet: Snippet) -> Path:
    """Readable by nobody else: there is a token in it."""
    path = folder / f"{person}-{snippet.file_name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(snippet.text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {(error.strerror or 'it failed').lower()}") from None
    return path


def _as_json(snippet: Snippet) -> dict[str, str]:
    return {"file": snippet.file_name, "text": snippet.text, "how": snippet.how}
