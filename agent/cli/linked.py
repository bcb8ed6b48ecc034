"""What `lamplighter link`, `unlink` and `links` share: the service when one runs, its store otherwise."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from agent.cli.control_client import ask, is_running
from agent.cli.store_access import Opened, in_the_store
from agent.linked_accounts import LinkedAccount
from agent.linking import Linking
from agent.settings import Settings
from agent.source_assembly import linking_without_service
from agent.web.links import linked_json

Result = TypeVar("Result")

PATIENCE = 120.0
"Seconds for a source to be tried."


def link(
    path: Path, settings: Settings, account: LinkedAccount, check: bool, consented: Mapping[str, str]
) -> dict[str, Any]:
    """As `agent.web.links.linked_json` has it. ``consented``: see `Linking.link`. Raises UserError."""
    if is_running(path):
        wish = {
            "person": account.person,
            "source": account.source,
            "name": account.name,
            "settings": dict(account.settings),
            "secret": account.secret,
            "check": check,
            "consented": dict(consented),
        }
        found: dict[str, Any] = ask(path, "/v1/links", "POST", wish, patience=PATIENCE)
        return found

    async def work(linking: Linking) -> dict[str, Any]:
        return linked_json(await linking.link(account, by="command", check=check, consented=consented))

    return _directly(settings, work)


def unlink(path: Path, settings: Settings, person: str, source: str | None, name: str | None) -> str:
    """The id of what was unlinked. Raises UserError."""
    if is_running(path):
        which = urlencode({key: value for key, value in (("source", source), ("name", name)) if value})
        return str(ask(path, f"/v1/links/{quote(person, safe='')}?{which}", "DELETE")["unlinked"])
    return _directly(settings, lambda linking: linking.unlink(person, source, name))


def listing(path: Path, settings: Settings) -> list[dict[str, Any]]:
    """As `agent.linking.Linking.listing` has it. Raises UserError."""
    if is_running(path):
        found: list[dict[str, Any]] = ask(path, "/v1/links")
        return found

    async def work(linking: Linking) -> list[dict[str, Any]]:
        return linking.listing(())

    return _directly(settings, work)


def check(path: Path, settings: Settings, people: list[str]) -> list[dict[str, Any]]:
    """Reports as `agent.probe.Report.to_json` has them. Raises UserError."""
    if is_running(path):
        found: list[dict[str, Any]] = ask(path, "/v1/links/check", "POST", {"people": people}, patience=600)
        return found

    async def work(linking: Linking) -> list[dict[str, Any]]:
        return [report.to_json() for report in await linking.check(people)]

    return _directly(settings, work)


def _directly(settings: Settings, work: Callable[[Linking], Awaitable[Result]]) -> Result:
    async def run(opened: Opened) -> Result:
        async with linking_without_service(settings, opened.store, opened.vault, opened.clock) as linking:
            return await work(linking)

    return in_the_store(settings, run)
