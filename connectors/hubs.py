"""What links of one entry share: made before the first of them, closed after the last."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from connectors.base import Entry, Hub, Link
from connectors.facts import Fact
from connectors.registry import ConnectorType

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Listening:
    """A hub as a `connectors.base.PushConnector` that has no facts of its own: the runner looks after both alike."""

    hub: Hub

    async def listen(self, emit: Callable[[Iterable[Fact]], None]) -> None:
        await self.hub.run(lambda: emit(()))

    async def close(self) -> None:
        await self.hub.close()


@dataclass(slots=True)
class _Shared(Generic[Kept]):
    hub: Hub
    kept: Kept
    links: set[str] = field(default_factory=set)


class Hubs(Generic[Kept]):
    """Which links share which hub. ``open_hub`` makes one, and gives what ``close_hub`` wants to end it by.

    Entries that have changed are other entries: while links move from one to the other, both hubs are there.
    """

    def __init__(
        self,
        open_hub: Callable[[Entry, ConnectorType], tuple[Hub, Kept]],
        close_hub: Callable[[Kept], None],
    ) -> None:
        self._open, self._close = open_hub, close_hub
        self._shared: dict[tuple[str, Entry], _Shared[Kept]] = {}

    def join(self, link: Link, made_of: ConnectorType) -> Hub:
        """The hub of the link's entry. Raises what making one raises."""
        key = (link.connector, link.entry)
        if key not in self._shared:
            hub, kept = self._open(link.entry, made_of)
            self._shared[key] = _Shared(hub, kept)
        shared = self._shared[key]
        shared.links.add(link.id)
        return shared.hub

    def find(self, link: Link) -> Hub | None:
        """Without joining it."""
        shared = self._shared.get((link.connector, link.entry))
        return None if shared is None else shared.hub

    def leave(self, link: Link) -> None:
        """Nothing happens when the link has none."""
        key = (link.connector, link.entry)
        shared = self._shared.get(key)
        if shared is None:
            return
        shared.links.discard(link.id)
        if not shared.links:
            del self._shared[key]
            self._close(shared.kept)
