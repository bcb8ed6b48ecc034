"""Takes what the computers of one person report."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

from connectors.base import Context, Link
from connectors.computer.mapping import read_report
from connectors.computer.settings import ComputerSettings
from connectors.errors import BadData
from connectors.facts import Fact
from connectors.ingress import Received, Reply
from connectors.reception import Reception


class ComputerConnector:
    """A `connectors.base.PushConnector` that receives."""

    reception = Reception(methods=("POST",), media_types=("application/json",), max_body=16 * 1024)

    def __init__(self, link: Link, settings: ComputerSettings, context: Context) -> None:
        self._link, self._settings = link, settings
        self._devices: OrderedDict[str, None] = OrderedDict()
        self._emit: Callable[[Iterable[Fact]], None] | None = None
        self._closed = asyncio.Event()

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        """See `connectors.base.PushConnector.listen`. Computers report by themselves, within a minute."""
        self._emit = emit
        try:
            await self._closed.wait()
        finally:
            self._emit = None

    async def receive(self, request: Received) -> Reply:
        """See `connectors.base.Receives.receive`."""
        told = read_report(request.body, request.received_at)
        device = told.value.device
        if device not in self._devices and len(self._devices) >= self._settings.most:
            raise BadData(
                f"there are {self._settings.most} computers already; an administrator can allow more"
            )
        self._devices[device] = None
        after = self._settings.stale_after if told.every is None else told.every * self._settings.heartbeats
        at = request.received_at
        source = f"{self._link.connector}:{self._link.id}/{device}"
        if self._emit is not None:
            self._emit([Fact(self._link.person, source, told.value, at, at + after)])
        return Reply()

    async def close(self) -> None:
        """See `connectors.base.PushConnector.close`."""
        self._closed.set()
