"""The only place that creates tasks: each has a name, an owner, an end, and its failure is told once.

    async with Supervisor() as supervisor:
        supervisor.service(lambda: notifier.run(), "notifier")      # runs for good, restarted with backoff
        reply = supervisor.spawn(client.publish(body), "publish alice")   # runs once; may be awaited

At the end everything that still runs is canceled in reverse order of its start, each within a time limit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self, TypeVar

from agent.clock import Clock, SystemClock

T = TypeVar("T")

logger = logging.getLogger("lamplighter.supervise")

KEPT_FAILURES = 100
"How many failed one-time tasks ``health`` remembers."


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before a failed service starts again: ``first``, doubling up to ``limit``."""

    first: float = 1.0
    limit: float = 60.0
    healthy_after: float = 60.0
    "A service that ran this long begins again at ``first``."

    def delay(self, failures_in_a_row: int) -> float:
        return min(self.limit, self.first * 2.0 ** min(failures_in_a_row - 1, 32))


@dataclass(frozen=True, slots=True)
class TaskHealth:
    """What is known of one task; ``state`` is `running`, `restarting`, `failed` or `ended`."""

    name: str
    state: str
    restarts: int = 0
    error: str | None = None
    "The last failure: the kind of exception and its text. None: it never failed."
    failed_at: float | None = None
    "Wall clock, seconds since the epoch."


class Supervisor:
    """Owns every task of one program. Not for use from other threads."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        stop_within: float = 5.0,
        on_restart: Callable[[str], None] | None = None,
    ) -> None:
        """``stop_within``: seconds that one task gets to end after it was canceled.

        ``on_restart`` is called with the name of each service that failed and will start again.
        """
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._stop_within = stop_within
        self._on_restart = on_restart
        self._running: dict[asyncio.Task[Any], str] = {}
        self._services: dict[str, TaskHealth] = {}
        self._failures: deque[TaskHealth] = deque(maxlen=KEPT_FAILURES)
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run once. Whoever awaits the task gets its result or exception; a failure is logged in any case."""
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"{name}: the supervisor has stopped")
        task = asyncio.create_task(coroutine, name=name)
        self._running[task] = name
        task.add_done_callback(self._ended)
        return task

    def service(
        self,
        factory: Callable[[], Coroutine[Any, Any, None]],
        name: str,
        backoff: Backoff = Backoff(),
    ) -> asyncio.Task[None]:
        """Run ``factory()``, and run it again whenever it fails. One that returns has ended and stays so."""
        if name in self._services:
            raise ValueError(f"two services are called {name!r}")
        task = self.spawn(self._keep_running(factory, name, backoff), name)
        self._services[name] = TaskHealth(name, "running")
        return task

    def health(self) -> tuple[TaskHealth, ...]:
        """Every service, then the last failed one-time tasks, oldest first."""
        return (*self._services.values(), *self._failures)

    def names(self) -> tuple[str, ...]:
        """What runs now, in order of start."""
        return tuple(self._running.values())

    async def stop(self) -> None:
        """Cancel what runs, newest first, each given ``stop_within`` seconds. Does nothing the second time."""
        current = asyncio.current_task()
        while True:
            task = next((task for task in reversed(self._running) if task is not current), None)
            if task is None:
                break
            await self._cancel(task)
        self._closed = True

    async def _cancel(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        limit = asyncio.ensure_future(self._sleep(self._stop_within))
        try:
            await asyncio.wait((task, limit), return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        if not task.done():
            _log(logging.ERROR, "a task did not stop in time", task=self._running[task])
            del self._running[task]

    async def _keep_running(
        self, factory: Callable[[], Coroutine[Any, Any, None]], name: str, backoff: Backoff
    ) -> None:
        failures = 0
        while True:
            self._services[name] = replace(self._services[name], state="running")
            started = self._clock.monotonic()
            try:
                await factory()
            except asyncio.CancelledError:
                self._services[name] = replace(self._services[name], state="ended")
                raise
            except Exception as error:
                ran = self._clock.monotonic() - started
                failures = 1 if ran >= backoff.healthy_after else failures + 1
                delay = backoff.delay(failures)
                _log(
                    logging.ERROR,
                    "a service failed and starts again",
                    error,
                    service=name,
                    in_seconds=delay,
                )
                self._services[name] = TaskHealth(
                    name, "restarting", self._services[name].restarts + 1, _text(error), self._clock.wall()
                )
                if self._on_restart:
                    self._on_restart(name)
                await self._sleep(delay)
            else:
                self._services[name] = replace(self._services[name], state="ended")
                return

    def _ended(self, task: asyncio.Task[Any]) -> None:
        name = self._running.pop(task, task.get_name())
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        _log(logging.ERROR, "a task failed", error, task=name)
        self._failures.append(TaskHealth(name, "failed", 0, _text(error), self._clock.wall()))


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _log(level: int, message: str, error: BaseException | None = None, **fields: object) -> None:
    """One line; the traceback only for those who asked for DEBUG."""
    if error is not None:
        fields["error"] = _text(error)
    trace = error if error is not None and logger.isEnabledFor(logging.DEBUG) else None
    logger.log(level, message, extra={"fields": fields}, exc_info=trace)
