"""For commands that change what the service keeps: through the service when one runs, in its store otherwise."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from agent import assembly
from agent.clock import Clock, SystemClock
from agent.errors import UserError
from agent.settings import Settings
from agent.store.errors import StoreError
from agent.store.store import Store
from agent.vault.rotation import Keys
from agent.vault.sealing import Vault

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Opened:
    """The store of a service that does not run, and what unseals its secrets."""

    store: Store
    clock: Clock
    vault: Vault
    keys: Keys


def in_the_store(
    settings: Settings, work: Callable[[Opened], Awaitable[Result]], *, need_keys: bool = True
) -> Result:
    """What ``work`` gives, done in the store itself. Raises UserError.

    ``need_keys``: only if every secret there can be read, as the service itself demands.
    """
    if settings.store.url == "memory:":
        raise UserError(
            "no service runs, and its store keeps nothing (`store.url: memory:`)",
            ["start the service first, or give the store a file"],
        )

    async def run() -> Result:
        clock = SystemClock()
        store = await Store.open(settings.store.url_with_password(), clock)
        try:
            vault, keys = assembly.keys(settings, os.environ, store)
            if need_keys:
                await keys.check()
            return await work(Opened(store, clock, vault, keys))
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except (ValueError, StoreError) as error:
        raise UserError(str(error)) from None
