"""What only shows when parts of the settings are seen together."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as Directory
from typing import Any

from pydantic import ValidationError

from agent.settings.model import Settings
from agent.settings.people import placeholders
from agent.settings.wording import words_of
from connectors.addresses import AllowList
from connectors.errors import Misconfigured
from connectors.ingress import BY_TOKEN
from connectors.registry import load, names
from rules.yaml_marks import MarkedYaml, Path, Problem, closest


def cross_checks(
    data: Mapping[str, Any], settings: Settings | None, marked: MarkedYaml, directory: Directory
) -> Iterator[Problem]:
    """Problems across sections. Those that need a valid model wait until there is one.

    ``directory``: where relative file names start.
    """
    yield from _connector_names(data, marked)
    yield from _entry_names(data, marked)
    outbound = data.get("outbound")
    yield from _file(data.get("rules"), ("rules",), marked, directory)
    if isinstance(outbound, dict):
        yield from _file(outbound.get("ca_file"), ("outbound", "ca_file"), marked, directory)
    yield from _tls_files(data, marked, directory)
    if settings is None:
        return
    yield from _addresses(settings, marked)
    yield from _links(settings, marked)
    yield from _implied_links(settings, marked)
    yield from _unlinked(settings, marked)
    yield from _allowed(settings, marked)
    if settings.publisher.username is None and settings.publisher.revealed is not None:
        yield marked.problem(("publisher",), "a password without `username`")


def _file(name: object, path: Path, marked: MarkedYaml, directory: Directory) -> Iterator[Problem]:
    if isinstance(name, str) and not (place := directory / Directory(name).expanduser()).is_file():
        yield marked.problem(path, f"there is no file {place}")


def _tls_files(data: Mapping[str, Any], marked: MarkedYaml, directory: Directory) -> Iterator[Problem]:
    listeners = data.get("listeners")
    sections: list[tuple[Path, object]] = [((name,), data.get(name)) for name in ("tls", "ingress")]
    sections += [
        (("listeners", index), each)
        for index, each in enumerate(listeners if isinstance(listeners, list) else ())
    ]
    for path, section in sections:
        for key in ("certificate", "key", "client_ca", "ca_file"):
            if isinstance(section, dict):
                yield from _file(section.get(key), (*path, key), marked, directory)


def _connector_names(data: Mapping[str, Any], marked: MarkedYaml) -> Iterator[Problem]:
    entries = data.get("connectors")
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        name = entry.get("connector") if isinstance(entry, dict) else None
        if isinstance(name, str):
            try:
                load(name)
            except Misconfigured as error:
                guess = closest(name, names())
                hint = f"did you mean `{guess}`?" if guess else f"there are: {', '.join(names())}"
                yield marked.problem(("connectors", key, "connector"), error.what, hint)


def _entry_names(data: Mapping[str, Any], marked: MarkedYaml) -> Iterator[Problem]:
    """They are part of addresses: `/in/<entry>`."""
    entries = data.get("connectors")
    for key in entries if isinstance(entries, dict) else ():
        if key == BY_TOKEN:
            yield marked.problem(("connectors", key), f"`{key}` stands for tokens in addresses", of_key=True)
        elif isinstance(key, str) and not re.fullmatch(r"[\w.-]{1,60}", key):
            message = "letters, digits, `_`, `-` and `.` make the name of an entry"
            yield marked.problem(("connectors", key), message, of_key=True)


def _addresses(settings: Settings, marked: MarkedYaml) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for key, person in settings.people.items():
        path = ("people", key, "sip")
        user, _, host = person.sip.partition("@")
        address = f"{user}@{host.lower()}"
        if (other := owners.setdefault(address, key)) != key:
            yield marked.problem(path, f"{person.sip} belongs to `{other}` already")
        domain = host.partition(";")[0].partition(":")[0].lower()
        if settings.publisher.target == "built-in" and domain not in settings.domains:
            served = ", ".join(settings.domains)
            yield marked.problem(
                path, f"the domain `{domain}` is not served here", f"`domains` has: {served}"
            )


def _allowed(settings: Settings, marked: MarkedYaml) -> Iterator[Problem]:
    for index, entry in enumerate(settings.outbound.allow_private):
        try:
            AllowList.parse([entry])
        except Misconfigured as error:
            hint = "such as 10.1.0.0/16 or calendar.internal"
            yield marked.problem(("outbound", "allow_private", index), error.what, hint)


def _links(settings: Settings, marked: MarkedYaml) -> Iterator[Problem]:
    for key, person in settings.people.items():
        seen: set[str] = set()
        for index, link in enumerate(person.links):
            path: Path = ("people", key, "links", index)
            if link.connector not in settings.connectors:
                known = list(settings.connectors)
                guess = closest(link.connector, known)
                hint = f"did you mean `{guess}`?" if guess else "entries are made under `connectors:`"
                yield marked.problem((*path, "connector"), f"there is no connector `{link.connector}`", hint)
                continue
            name = f"{link.connector}/{link.name or ''}"
            if name in seen:
                yield marked.problem(path, "a second link to the same connector", "give it a `name`")
            seen.add(name)
            names = placeholders(key, person)
            yield from _link_settings(settings, link.connector, path, link.settings, names, marked)


def _implied_links(settings: Settings, marked: MarkedYaml) -> Iterator[Problem]:
    """Links without a line of their own. One mistake is told once, not for everybody."""
    for key, entry in settings.connectors.items():
        linked = [
            (name, person)
            for name, person in settings.people.items()
            if entry.links_by_itself(person) and all(link.connector != key for link in person.links)
        ]
        if linked:
            name, person = linked[0]
            path: Path = ("connectors", key)
            yield from _link_settings(settings, key, path, {}, placeholders(name, person), marked)
        without = [name for name, person in linked if not person.emails]
        if without and "{email}" in str(entry.settings):
            named = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
            yield marked.problem(
                ("connectors", key, "settings"), f"`{{email}}`: these people have no `emails`: {named}"
            )


def _unlinked(settings: Settings, marked: MarkedYaml) -> Iterator[Problem]:
    """Entries that nobody is linked to yet, as far as they have a part that all links share."""
    written = {link.connector for person in settings.people.values() for link in person.links}
    for key, entry in settings.connectors.items():
        if key not in written and not any(map(entry.links_by_itself, settings.people.values())):
            yield from _link_settings(settings, key, ("connectors", key), {}, {}, marked, hub=True)


def _link_settings(
    settings: Settings,
    entry: str,
    path: Path,
    own: Mapping[str, Any],
    names: Mapping[str, str],
    marked: MarkedYaml,
    *,
    hub: bool = False,
) -> Iterator[Problem]:
    """``hub``: what all links share is looked at, not a link."""
    shared = settings.connectors[entry]
    try:
        made_of = load(shared.connector)
        model = made_of.hub_settings_model if hub else made_of.settings_model
        if model is not None:
            model.model_validate(shared.for_link(own, names))
    except Misconfigured:
        return  # told by _connector_names
    except ValidationError as error:
        assert model is not None
        for detail in error.errors(include_url=False):
            message, hint = words_of(detail, model)
            loc = detail["loc"]
            if detail["type"] == "at_key":
                loc = (*loc, detail["ctx"]["key"])
            first = loc[0] if loc else ""
            if first in own or detail["type"] == "missing":
                base: Path = (*path, "settings")
            elif first in ("interval", "stale_after") and first not in shared.settings:
                base = ("connectors", entry)
            else:
                base = ("connectors", entry, "settings")
            if detail["type"] not in ("missing", "extra_forbidden", "at_key") and first:
                message = f"`{first}`: {message}"
            yield marked.problem((*base, *loc), message, hint, of_key=detail["type"] == "extra_forbidden")
