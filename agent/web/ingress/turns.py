"""One request of a source at a time, the others wait in line, and the line has an end."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from agent.web.ingress.refusal import overloaded


class Turns:
    """The line of one source. First come, first served, so that nothing is reordered here.

    When it is full, the oldest that waits under the same key has to go: what came after says more. If none does, the
    new one is not taken. Whoever has to go is told 503 and may come again, so that nothing is lost silently.
    """

    def __init__(self, most: int, dropped: Callable[[], None] = lambda: None) -> None:
        """``most``: how many may wait. ``dropped`` is told of each that has to go or is not taken."""
        self._most = most
        self._dropped = dropped
        self._busy = False
        self._waiting: OrderedDict[int, tuple[str, asyncio.Future[None]]] = OrderedDict()
        self._numbers = count()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Raises Refusal (503) when there is no place, or the place was given away."""
        if self._busy:
            await self._wait(key)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, key: str) -> None:
        if len(self._waiting) >= self._most:
            self._make_room(key)
        number, turn = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = (key, turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()  # the turn had come already
            raise

    def _make_room(self, key: str) -> None:
        self._dropped()
        for number, (other, turn) in self._waiting.items():
            if other == key:
                del self._waiting[number]
                if not turn.done():
                    turn.set_exception(overloaded("newer requests came while this one waited"))
                return
        raise overloaded("too many requests of this source wait")

    def _pass_on(self) -> None:
        while self._waiting:
            _, (_, turn) = self._waiting.popitem(last=False)
            if not turn.done():
                turn.set_result(None)  # busy stays: it is the other's turn now
                return
        self._busy = False
