"""An event loop whose time passes only when nothing else can happen: an hour of SIP takes milliseconds.

Sockets are real: what they have brought is worked on first. Only when nothing is ready, and no thread is at work, does
time jump to the next timer.
"""

import asyncio
import functools
import inspect
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from tests.support.clock import MONDAY_NINE

STUCK_AFTER = 5.0
"Real seconds without a timer and without input, after which a test is stuck; a thread may be busy for as long."


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nobody: instead of sleeping until the next timer it moves the loop's time there."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self.now = 1000.0
        self.at_work = 0
        "How much has been handed to threads whose answers have not arrived yet."

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(STUCK_AFTER)
            if not ready:
                raise AssertionError("nothing will ever happen again, and the test still waits")
            return ready
        patience = STUCK_AFTER if self.at_work else self._patience
        if patience and (ready := super().select(patience)):
            return ready
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``patience``: real seconds that other processes get before each jump; 0 where there are none. Threads of pools
    get all the time that they need."""

    def __init__(self, patience: float = 0.0) -> None:
        self._jumping = _JumpingSelector(patience)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        answer = super().run_in_executor(executor, func, *args)
        self._jumping.at_work += 1
        answer.add_done_callback(self._answered)
        return answer

    @contextmanager
    def waiting_for_threads(self) -> Iterator[None]:
        """Meanwhile what is handed to a thread pool past the loop is waited for too."""
        submit = ThreadPoolExecutor.submit

        def counted(pool: ThreadPoolExecutor, /, *args: Any, **kwargs: Any) -> Future[Any]:
            work = submit(pool, *args, **kwargs)
            self._jumping.at_work += 1
            work.add_done_callback(ended)
            return work

        def ended(work: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                self.call_soon_threadsafe(self._answered, work)

        with patch.object(ThreadPoolExecutor, "submit", counted):
            yield

    def _answered(self, _: object) -> None:
        self._jumping.at_work -= 1


class LoopClock:
    """Satisfies `agent.clock.Clock` with the time of a loop. ``jump``: somebody sets the wall clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = MONDAY_NINE) -> None:
        self._loop = loop
        self._offset = start.timestamp() - loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return self._loop.time() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wall(), UTC)

    def jump(self, seconds: float) -> None:
        self._offset += seconds


def run_virtually(main: Coroutine[Any, Any, Any], patience: float = 0.0) -> Any:
    """Like `asyncio.run`, in virtual time."""
    loop = VirtualLoop(patience)
    with asyncio.Runner(loop_factory=lambda: loop) as runner, loop.waiting_for_threads():
        return runner.run(main)


AsyncTest = Callable[..., Awaitable[None]]


def virtual(test: AsyncTest, patience: float = 0.0) -> Callable[..., None]:
    """Makes an ``async def test_…`` a test that runs in virtual time; sync fixtures and parameters work."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        run_virtually(main(), patience)

    del run.__wrapped__  # type: ignore[attr-defined]  # or pytest-asyncio would take it for a coroutine function
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run


def virtual_beside_threads(test: AsyncTest) -> Callable[..., None]:
    """The same where sockets take part: they get a moment of real time before virtual time moves."""
    return virtual(test, patience=0.02)
