"""A link's part of a hub that is told of many people: it is found by its names, and hands facts on."""

import asyncio
from collections.abc import Callable, Iterable

from connectors.base import Link
from connectors.directory import Directory
from connectors.facts import Fact

Emit = Callable[[Iterable[Fact]], None]


class Attached:
    """Stands in the hub's directory from its making on. What is told before ``listen`` began is kept until then."""

    def __init__(self, link: Link, names: Iterable[str], directory: "Directory[Attached]") -> None:
        self.link = link
        self._directory = directory
        self._kept: dict[str, Fact] = {}
        self._emit: Emit | None = None
        self._closed = asyncio.Event()
        directory.attach(names, self)

    def tell(self, facts: Iterable[Fact]) -> None:
        """Facts about the link's person."""
        if self._closed.is_set():
            return
        if self._emit is None:
            self._kept.update((fact.source, fact) for fact in facts)
        else:
            self._emit(facts)

    async def listen(self, emit: Emit) -> None:
        self._emit = emit
        if self._kept:
            emit(self._kept.values())
            self._kept = {}
        try:
            await self._closed.wait()
        finally:
            self._emit = None

    async def close(self) -> None:
        self._directory.detach(self)
        self._closed.set()
