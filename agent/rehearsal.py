"""What a source's request would become, with no service and no consequences: for `lamplighter connectors try`."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from agent.clock import Clock
from connectors.base import Context, Link, Spawn, Workshop
from connectors.errors import ConnectorError, Misconfigured
from connectors.facts import Fact
from connectors.http import Http
from connectors.ingress import Received, Reply
from connectors.registry import load


@dataclass(slots=True)
class Rehearsed:
    """What came of it."""

    facts: list[Fact] = field(default_factory=list)
    "In the order of their telling."
    reply: Reply | None = None
    "What the source is answered. None: see ``problem``."
    problem: str | None = None


async def rehearse(
    links: Sequence[Link], request: Received, http: Http, workshop: Workshop, clock: Clock, spawn: Spawn
) -> Rehearsed:
    """Hand ``request`` to fresh objects of one entry's links. With ``request.person`` to that person's, if links take
    requests for themselves. Raises ConnectorError when that can't be done at all."""
    outcome = Rehearsed()

    def emit(facts: Iterable[Fact]) -> None:
        outcome.facts.extend(facts)

    made_of = load(links[0].connector)
    context = Context(http, clock, workshop, spawn, {})
    async with AsyncExitStack() as stack:
        receivers: dict[str, Any] = {}
        if made_of.manifest.hub is not None:
            entry = links[0].entry
            hub = made_of.create_hub(entry, made_of.read_hub_settings(entry), context)
            stack.push_async_callback(hub.close)
            context = replace(context, hub=hub)
            receivers[""] = hub
        for link in links:
            connector = made_of.create(link, made_of.read_settings(link), context)
            stack.push_async_callback(connector.close)
            receivers[link.person] = connector
            listen = getattr(connector, "listen", None)
            if listen is not None and hasattr(receivers.get("", connector), "receive"):
                spawn(listen(emit), name=f"rehearsal of {link.id}")
        receiver = _receiver(receivers, request.person, made_of.name)
        await _begun(spawn)
        try:
            outcome.reply = await receiver.receive(request)
        except ConnectorError as error:
            outcome.problem = error.what
    return outcome


def _receiver(receivers: dict[str, Any], person: str | None, connector: str) -> Any:
    taking = {key: one for key, one in receivers.items() if hasattr(one, "receive")}
    if person in taking:
        return taking[person]
    if "" in taking:
        return taking[""]
    if not taking:
        raise Misconfigured(f"{connector} takes no requests", advice="It asks its source by itself.")
    raise Misconfigured("each person has an address of their own here", advice="Say whose: --person NAME.")


async def _begun(spawn: Spawn) -> None:
    """Let everything that was started before this begin."""
    began = asyncio.Event()

    async def begin() -> None:
        began.set()

    spawn(begin(), name="rehearsal")
    await began.wait()
