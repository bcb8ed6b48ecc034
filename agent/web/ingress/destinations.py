"""What stands behind the ingress: hubs and links of the connectors, and parts of the service itself."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from connectors.errors import Unreachable
from connectors.ingress import Received, Reply
from connectors.reception import Reception


@dataclass(frozen=True, slots=True)
class Destination:
    """One that takes requests."""

    source: str
    "For logs, figures and limits: the entry's key, the link's id, or the part's name."
    reception: Reception
    secret: str | None = field(repr=False)
    "Of the entry or the link."
    receive: Callable[[Received], Awaitable[Reply]]
    "Raises ConnectorError for what can't be understood."


class Receivers(Protocol):
    """`connectors.receiving.Receiving`."""

    def reception(self, receiver: str) -> tuple[Reception, str | None] | None: ...

    async def receive(self, receiver: str, request: Received) -> Reply: ...


class Destinations:
    """``entries()``: the keys under ``connectors`` in the settings, as they are now."""

    def __init__(self, receivers: Receivers, entries: Callable[[], Collection[str]]) -> None:
        self._receivers, self._entries = receivers, entries
        self._parts: dict[str, Destination] = {}

    def add(self, part: Destination) -> None:
        """A part of the service itself at ``/in/<source>``; it goes before an entry of the same name."""
        self._parts[part.source] = part

    def entries(self) -> frozenset[str]:
        """Everything that a token can be made for."""
        return frozenset(self._entries()) | self._parts.keys()

    def find(self, entry: str, rest: str, person: str | None) -> tuple[Destination, str] | None:
        """Who takes requests to ``/in/<entry>/<rest>`` that come with a token of that person, and what is left of the
        rest. None: nobody.

        Links go before the hub: of ``alice/phone/battery`` that may be ``<entry>/alice/phone``, with ``battery`` left.
        """
        if entry in self._parts:
            return self._parts[entry], rest
        for receiver, left in _candidates(entry, rest, person):
            reception = self._receivers.reception(receiver)
            if reception is not None:
                return self._destination(receiver, *reception), left
        return None

    def _destination(self, receiver: str, reception: Reception, secret: str | None) -> Destination:
        async def receive(request: Received) -> Reply:
            if self._receivers.reception(receiver) is None:
                raise Unreachable("it is being changed")
            return await self._receivers.receive(receiver, request)

        return Destination(receiver, reception, secret, receive)


def _candidates(entry: str, rest: str, person: str | None) -> Iterator[tuple[str, str]]:
    """(id of a link or hub, what is left of the rest), the narrowest first."""
    first, _, second = rest.partition("/")
    if person is not None:
        if first:
            yield f"{entry}/{person}/{first}", second
        yield f"{entry}/{person}", rest
    elif first:
        name, _, left = second.partition("/")
        if name:
            yield f"{entry}/{first}/{name}", left
        yield f"{entry}/{first}", second
    yield entry, rest
