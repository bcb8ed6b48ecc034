"""An event loop whose time passes only when nothing else can happen: an hour of SIP takes milliseconds.

Sockets are real: what they have brought is worked on first. Only when nothing is ready does time jump to the next
timer.
"""

import asyncio
import functools
import inspect
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from tests.support.clock import MONDAY_NINE

STUCK_AFTER = 5.0
"Real seconds without a timer and without input, after which a test is stuck."


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nobody: instead of sleeping until the next timer it moves the loop's time there."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(STUCK_AFTER)
            if not ready:
                raise AssertionError("nothing will ever happen again, and the test still waits")
            return ready
        if self._patience and (ready := super().select(self._patience)):
            return ready
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``patience``: real seconds that threads and other processes get before each jump; 0 where there are none."""

    def __init__(self, patience: float = 0.0) -> None:
        self._jumping = _JumpingSelector(patience)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


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
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(patience)) as runner:
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
    """The same where threads or sockets take part: they get a moment of real time before virtual time moves."""
    return virtual(test, patience=0.02)
