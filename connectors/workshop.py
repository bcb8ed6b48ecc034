"""Runs hostile or costly work in child processes that can be killed.

A calendar object may ask for a repetition every second for ever. Such work runs in a child with a limit of
processor time per item (a timer signal interrupts the item, the child goes on with the next) and per job, a limit of
memory, and a wall-clock limit over all after which the child is killed. The event loop never waits.
"""

import asyncio
import contextlib
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

from connectors.base import Failed
from connectors.errors import ConnectorError, Unreachable

T = TypeVar("T")

_LENGTH = struct.Struct("!I")
MEMORY = 1 << 30
"Bytes of address space per child."
JOB_FACTOR = 10
"All items of one job together get this many times the processor limit of one: a calendar full of bombs is one job."
WALL_FACTOR = 20
"A child that needs this many times the processor limit of its items by the wall clock hangs outside Python."
START_LIMIT = 60.0
"Seconds for a child to start and import."
_ROOT = str(Path(__file__).resolve().parent.parent)
_CHILD = f"import sys; sys.path.insert(0, {_ROOT!r}); from connectors.workshop import child; child()"
MAX_FRAME = 256 * 1024 * 1024


class Workshop:
    """Up to ``children`` processes, started at need, kept for the next job. Satisfies `base.Workshop`."""

    def __init__(self, children: int = 1) -> None:
        self._places = asyncio.Semaphore(children)
        self._idle: list[asyncio.subprocess.Process] = []
        self._busy: set[asyncio.subprocess.Process] = set()
        self._closed = False

    async def each(
        self, function: Callable[..., T], items: Sequence[tuple[Any, ...]], *, limit: float
    ) -> list[T | Failed]:
        """See `connectors.base.Workshop.each`."""
        if not items:
            return []
        async with self._places:
            if self._closed:
                raise Unreachable("the service is stopping")
            child = self._idle.pop() if self._idle else await self._start()
            self._busy.add(child)
            done = False
            try:
                # Sent by name first and answered, so that imports do not count as the items' time.
                await _exchange(child, function, START_LIMIT)
                answer: list[T | Failed] = await _exchange(
                    child,
                    (list(items), limit),
                    START_LIMIT + WALL_FACTOR * limit * min(len(items), JOB_FACTOR + 1),
                )
                done = True
                return answer
            except (TimeoutError, asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
                return [Failed("it needs too much time or memory")] * len(items)
            finally:
                self._busy.discard(child)
                if done and not self._closed:
                    self._idle.append(child)
                else:
                    await _end(child)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", _CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def close(self) -> None:
        """For good: no child is started any more."""
        self._closed = True
        while self._idle:
            await _end(self._idle.pop())
        for process in tuple(self._busy):
            await _end(process)


async def _exchange(process: asyncio.subprocess.Process, message: Any, limit: float) -> Any:
    assert process.stdin is not None and process.stdout is not None
    async with asyncio.timeout(limit):
        packed = pickle.dumps(message)
        process.stdin.write(_LENGTH.pack(len(packed)) + packed)
        await process.stdin.drain()
        (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        if length > MAX_FRAME:
            raise ConnectionResetError
        return pickle.loads(await process.stdout.readexactly(length))


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.wait_closed()
    await process.wait()


class _OutOfTime(BaseException):
    """Not an Exception: libraries must not swallow it."""


def child() -> NoReturn:
    """The child's side: frames on stdin, frames on stdout, until stdin ends."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _out_of_time)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while True:
        function = _receive(incoming)
        _send(outgoing, None)
        items, limit = _receive(incoming)
        _send(outgoing, _attempt_all(function, items, limit))


def _attempt_all(function: Callable[..., Any], items: list[tuple[Any, ...]], limit: float) -> list[Any]:
    """Honest items take a hundredth of their limit, so a job that needs many times the limit is none."""
    end = _spent() + JOB_FACTOR * limit
    return [
        _attempt(function, item, limit) if _spent() < end else Failed("what came before it took all the time")
        for item in items
    ]


def _spent() -> float:
    """Processor seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _attempt(function: Callable[..., Any], item: tuple[Any, ...], limit: float) -> Any:
    try:
        signal.setitimer(signal.ITIMER_PROF, limit)
        try:
            return function(*item)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except _OutOfTime:
        return Failed("it needs too much time")
    except MemoryError:
        return Failed("it needs too much memory")
    except ConnectorError as error:
        return Failed(error.what)
    except RecursionError:
        return Failed("it is nested too deeply")
    except Exception as error:
        return Failed(f"it cannot be read ({type(error).__name__})")


def _out_of_time(number: int, frame: object) -> None:
    raise _OutOfTime


def _receive(stream: BinaryIO) -> Any:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        sys.exit(0)
    return pickle.loads(stream.read(_LENGTH.unpack(head)[0]))


def _send(stream: BinaryIO, message: Any) -> None:
    packed = pickle.dumps(message)
    stream.write(_LENGTH.pack(len(packed)) + packed)
    stream.flush()
