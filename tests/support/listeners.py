"""A presence server on real loopback sockets as well as on the simulated network."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from agent.server.transports import Listen
from agent.sip.flows import Transport
from tests.support.world import World, world


@asynccontextmanager
async def listening_world(
    *listens: Listen, **options: Any
) -> AsyncIterator[tuple[World, Sequence[tuple[str, int]]]]:
    """A world, and where its server listens, in the order of ``listens``. ``options``: see `world`."""
    async with world(**options) as here:
        transports = here.server.transports
        addresses: list[tuple[str, int]] = []
        for listen in listens:
            before = transports.addresses()
            await transports.listen([listen])
            (added,) = (entry for entry in transports.addresses() if entry not in before)
            addresses.append(added[1])
        yield here, addresses


def plain(transport: Transport, host: str = "127.0.0.1", **options: Any) -> Listen:
    """A listener on a free port."""
    return Listen(transport, host, 0, **options)
