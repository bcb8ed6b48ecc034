"""A few threads for libraries that block. The service's loop never waits for one, nor does its end."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from connectors.errors import Unreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def tell(self, result: Any, error: BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
            self.loop.call_soon_threadsafe(self.settle, result, error)

    def settle(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return  # whoever waited was canceled
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Threads:
    """At most ``most`` calls at a time; more wait in order. Not concurrent.futures, whose threads hold up the end of
    the process for as long as a silent server can."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._waiting: set[_Call] = set()
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """``work()``, elsewhere. Whoever waits can be canceled; the call itself goes on until its own time is up."""
        if self._closed:
            raise Unreachable("the service is stopping")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        call = _Call(work, loop, future)
        self._waiting.add(call)
        future.add_done_callback(lambda done: self._waiting.discard(call))
        self._calls.put(call)
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        return await future

    def close(self) -> None:
        """Nothing new begins, and nobody waits any more; threads end when their call has."""
        self._closed = True
        for call in tuple(self._waiting):
            call.settle(None, Unreachable("the service is stopping"))
        for _ in range(self._started):
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._closed or call.future.cancelled():
                call.tell(None, Unreachable("the service is stopping"))
                continue
            try:
                call.tell(call.work(), None)
            except BaseException as error:
                call.tell(None, error)
            self._idle.release()
