"""Hands requests that sources send to the link or hub they are for, and keeps its health."""

from collections.abc import Callable

from connectors.base import Clock
from connectors.ingress import Received, Reply
from connectors.linked import Group, Linked
from connectors.reception import Reception


class Receiving:
    """A part of the runner: ``find``, ``failed`` and ``tell`` are the runner's."""

    def __init__(
        self,
        find: Callable[[str], tuple[Group, Linked]],
        failed: Callable[[Linked, Exception], object],
        tell: Callable[[Linked], object],
        clock: Clock,
    ) -> None:
        self._find, self._failed, self._tell, self._clock = find, failed, tell, clock

    def reception(self, receiver: str) -> tuple[Reception, str | None] | None:
        """What the link or hub of that id takes, and its secret. None: there is none, or it takes nothing."""
        try:
            _, linked = self._find(receiver)
        except KeyError:
            return None
        if linked.receiver is None:
            return None
        link = linked.state.link
        return _taken_by(linked), link.secret or link.entry.secret

    async def receive(self, receiver: str, request: Received) -> Reply:
        """Hand a request to the link or hub of that id. Raises KeyError when there is none that receives, and the
        `ConnectorError` of one that cannot make sense of it, which then shows in its health."""
        _, linked = self._find(receiver)
        target = linked.receiver
        if target is None:
            raise KeyError(receiver)
        anybody = _taken_by(linked).checks_itself
        try:
            reply = await target.receive(request)
        except Exception as caught:
            if not anybody:  # else it is the stranger who fails
                self._failed(linked, caught)
                self._tell(linked)
            raise
        if not anybody:
            linked.state.pushed({}, self._clock.now())
            self._tell(linked)
        return reply


def _taken_by(linked: Linked) -> Reception:
    return getattr(linked.receiver, "reception", None) or Reception()
