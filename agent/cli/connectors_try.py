"""`lamplighter connectors try`: what would a request of a source become?"""

import asyncio
import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

import typer
from rich.console import Console
from rich.table import Table

from agent import source_assembly
from agent.cli.options import DEFAULT_SETTINGS, JsonOption, SettingsOption, load
from agent.clock import SystemClock
from agent.errors import EXIT_PROBLEM, EXIT_USAGE, UserError
from agent.rehearsal import Rehearsed, rehearse
from agent.settings import Settings
from agent.settings.links import links
from agent.supervise import Supervisor
from connectors.base import Link
from connectors.errors import ConnectorError
from connectors.facts import Fact
from connectors.ingress import Received
from connectors.workshop import Workshop

MEDIA_TYPES = {".json": "application/json", ".xml": "text/xml", ".form": "application/x-www-form-urlencoded"}


class Method(StrEnum):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"


def command(
    name: Annotated[str, typer.Argument(help="Key of an entry under `connectors` in the settings.")],
    payload: Annotated[
        Path | None, typer.Argument(help="File with the request's body; `-`: standard input; none: no body.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="As if it came with a token of this person.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="`Name: value`; may be repeated.")] = None,
    query: Annotated[str, typer.Option(help="`name=value&…`, as in the address.")] = "",
    path: Annotated[str, typer.Option(help="What stands behind `/in/NAME/`.")] = "",
    method: Annotated[Method | None, typer.Option(help="Default: POST with a body, else GET.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_json: JsonOption = False,
) -> None:
    """Show the facts that a request of a source would become, and what it would be answered. Nothing is changed, no
    token is needed, signatures are not checked.

    Example: lamplighter connectors try badges payload.json --header "X-Site: hq"
    """
    loaded = load(settings)
    concerned = _links(loaded, name, person)
    headers = dict(_header(text) for text in header or ())
    body = _body(payload)
    if payload is not None:
        headers.setdefault("content-type", MEDIA_TYPES.get(payload.suffix, "application/json"))
    chosen = method or (Method.POST if payload is not None else Method.GET)
    request = Received(
        method=chosen.value,
        path=path,
        query=tuple(parse_qsl(query.lstrip("?"), keep_blank_values=True)),
        headers=headers,
        body=body,
        received_at=SystemClock().now(),
        person=person,
    )
    outcome = asyncio.run(_rehearse(loaded, concerned, request))
    if as_json:
        print(json.dumps(_to_json(outcome), ensure_ascii=False))
    else:
        _show(outcome)
    raise typer.Exit(0 if outcome.facts and outcome.problem is None else EXIT_PROBLEM)


async def _rehearse(settings: Settings, concerned: list[Link], request: Received) -> Rehearsed:
    http, workshop, clock = source_assembly.http(settings), Workshop(), SystemClock()
    async with Supervisor(clock=clock) as supervisor:
        try:
            return await rehearse(concerned, request, http, workshop, clock, supervisor.spawn)
        except ConnectorError as error:
            raise UserError(error.words) from None
        finally:
            await http.close()
            await workshop.close()


def _links(settings: Settings, name: str, person: str | None) -> list[Link]:
    if name not in settings.connectors:
        known = ", ".join(settings.connectors) or "none"
        raise UserError(f"there is no entry {name!r} under `connectors`", [f"there are: {known}"], EXIT_USAGE)
    if person is not None and person not in settings.people:
        raise UserError(f"nobody is called {person!r}", (), EXIT_USAGE)
    found = [link for link in links(settings) if link.entry.key == name]
    if not found:
        raise UserError(
            f"nobody is linked to {name}",
            ["`everyone: true` at the entry, or a line under `links:` of a person"],
        )
    return found


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UserError(f"{text!r} is no header; expected `Name: value`", (), EXIT_USAGE)
    return name.strip().lower(), value.strip()


def _body(payload: Path | None) -> bytes:
    if payload is None:
        return b""
    return sys.stdin.buffer.read() if str(payload) == "-" else payload.read_bytes()


def _to_json(outcome: Rehearsed) -> dict[str, Any]:
    return {
        "facts": [{"kind": fact.kind.value, **_plain(asdict(fact))} for fact in outcome.facts],
        "status": outcome.reply.status if outcome.reply is not None else 422,
        "reply": outcome.reply.body.decode("utf-8", "replace") if outcome.reply is not None else "",
        "problem": outcome.problem,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _show(outcome: Rehearsed) -> None:
    console = Console()
    if outcome.problem is not None:
        console.print(f"It makes no sense: {outcome.problem}", markup=False)
        return
    if outcome.facts:
        table = Table(
            "person", "kind", "what", "observed", "valid until", title="Facts", title_justify="left"
        )
        for fact in outcome.facts:
            table.add_row(fact.person, fact.kind.value, _value(fact), *_times(fact))
        console.print(table)
    else:
        console.print(
            "No facts: it is about nobody who is linked, or says nothing that the settings look for."
        )
    reply = outcome.reply
    assert reply is not None
    body = f" {reply.body.decode('utf-8', 'replace')}" if reply.body else ""
    console.print(f"Answer: {reply.status}{body}", markup=False)


def _value(fact: Fact) -> str:
    said = {key: value for key, value in _plain(asdict(fact)["value"]).items() if value not in (None, "", ())}
    return ", ".join(f"{key}: {value}" for key, value in said.items() if value != []) or "nothing"


def _times(fact: Fact) -> tuple[str, str]:
    until = f"{fact.valid_until:%Y-%m-%d %H:%M:%S}" if fact.valid_until is not None else "by stale_after"
    return f"{fact.observed_at:%Y-%m-%d %H:%M:%S}", until
