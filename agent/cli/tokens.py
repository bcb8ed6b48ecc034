"""What the `lamplighter tokens` commands share: the tokens in the service or, when none runs, in its store."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from agent.cli.control_client import ask, is_running
from agent.cli.store_access import Opened, in_the_store
from agent.settings import Settings
from agent.web.ingress.choosing import PART
from agent.web.ingress.tokens import IngressTokens

Result = TypeVar("Result")


def create(path: Path, settings: Settings, entry: str, person: str | None, note: str) -> dict[str, Any]:
    """id, entry, person, token. Raises UserError."""
    if is_running(path):
        made: dict[str, Any] = ask(
            path, "/v1/tokens", "POST", {"entry": entry, "person": person, "note": note}
        )
        return made

    async def work(tokens: IngressTokens) -> dict[str, Any]:
        row, token = await tokens.create(entry, person, note)
        return {"id": row.id, "entry": row.entry, "person": row.person, "token": token}

    return _directly(settings, work)


def revoke(path: Path, settings: Settings, token_id: str) -> dict[str, Any]:
    """id, entry, person. Raises UserError."""
    if is_running(path):
        gone: dict[str, Any] = ask(path, f"/v1/tokens/{token_id}", "DELETE")
        return gone

    async def work(tokens: IngressTokens) -> dict[str, Any]:
        row = await tokens.revoke(token_id)
        return {"id": row.id, "entry": row.entry, "person": row.person}

    return _directly(settings, work)


def listing(path: Path, settings: Settings) -> list[dict[str, Any]]:
    """As `IngressTokens.listing` has it. Raises UserError."""
    if is_running(path):
        found: list[dict[str, Any]] = ask(path, "/v1/tokens")
        return found

    async def work(tokens: IngressTokens) -> list[dict[str, Any]]:
        return tokens.listing()

    return _directly(settings, work)


def _directly(settings: Settings, work: Callable[[IngressTokens], Awaitable[Result]]) -> Result:
    def entries() -> frozenset[str]:
        return frozenset({*settings.connectors, PART})

    def opened(here: Opened) -> Awaitable[Result]:
        return work(IngressTokens(here.store, here.clock, entries, settings.people.keys))

    # Only hashes are kept of tokens: nothing has to be unsealed.
    return in_the_store(settings, opened, need_keys=False)
