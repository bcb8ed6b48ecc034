"""The person's part of `lamplighter link`: signing in at the source, by a code or by a page in the browser."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Console

from agent import source_assembly
from agent.cli.browser_return import awaited_return
from agent.clock import SystemClock
from agent.errors import EXIT_PROBLEM, EXIT_UNREACHABLE, UserError
from agent.linked_accounts import LinkedAccount
from agent.settings import Settings
from agent.settings.links import link_of
from connectors.base import Context
from connectors.consent import CodePrompt, Consent, Consented, NoCodes, NotNeeded
from connectors.errors import ConnectorError, Unreachable
from connectors.registry import load
from connectors.workshop import Workshop


def sign_in(
    settings: Settings, account: LinkedAccount, *, browser: bool, console: Console
) -> Mapping[str, str]:
    """What the link has to remember of it; empty where nobody has to sign in. Raises UserError."""
    made_of = load(link_of(settings, account).connector)
    if made_of.manifest.consent is None:
        return {}
    try:
        return asyncio.run(_sign_in(settings, account, browser, console))
    except NotNeeded:
        return {}
    except ConnectorError as error:
        status = EXIT_UNREACHABLE if isinstance(error, Unreachable) else EXIT_PROBLEM
        raise UserError(error.words, (), status) from None


async def _sign_in(
    settings: Settings, account: LinkedAccount, browser: bool, console: Console
) -> Mapping[str, str]:
    async with _attempt(settings, account) as consent:
        if browser:
            consented = await _by_page(consent, console)
        else:
            try:
                consented = await _by_code(consent, console)
            except NoCodes:
                consented = await _by_page(consent, console)
    if consented.account:
        console.print(f"Signed in as {consented.account}.", highlight=False)
        known = settings.people[account.person].emails
        if known and consented.account.lower() not in {address.lower() for address in known}:
            console.print(f"That is none of the addresses that the settings have for {account.person}.")
    return consented.secrets


async def _by_code(consent: Consent, console: Console) -> Consented:
    def show(prompt: CodePrompt) -> None:
        console.print(
            f"Open [bold]{prompt.address}[/bold] and enter the code [bold]{prompt.code}[/bold]",
            highlight=False,
        )
        waiting.start()

    waiting = console.status("Waiting until it is entered …")
    try:
        return await consent.by_code(show)
    finally:
        waiting.stop()


async def _by_page(consent: Consent, console: Console) -> Consented:
    async with awaited_return() as (redirect_uri, returned):
        visit = await consent.begin(redirect_uri)
        console.print("Open this address in a browser on this machine:", highlight=False)
        # Not wrapped: it is to be copied.
        console.print(visit.address, highlight=False, soft_wrap=True, markup=False)
        with console.status("Waiting until the browser comes back …"):
            parameters = await returned(visit.state)
        return await consent.finish(visit, parameters)


@asynccontextmanager
async def _attempt(settings: Settings, account: LinkedAccount) -> AsyncIterator[Consent]:
    link = link_of(settings, account)
    made_of = load(link.connector)
    http = source_assembly.http(settings)
    context = Context(http, SystemClock(), Workshop(), _no_tasks, {})
    try:
        consent = made_of.create_consent(link, made_of.read_settings(link), context)
        try:
            yield consent
        finally:
            await consent.close()
    finally:
        await http.close()


def _no_tasks(coroutine: Coroutine[Any, Any, None], *, name: str) -> object:
    raise AssertionError(f"signing in starts nothing beside it: {name}")
