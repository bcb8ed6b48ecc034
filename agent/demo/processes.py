"""Programs that the demo starts, each known by its process id, and how they are ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserError


@dataclass(frozen=True, slots=True)
class Child:
    """A running program."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    "What it said on standard error."

    def check(self) -> None:
        """Raises UserError with its last words when it has ended by itself."""
        if self.process.returncode is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise UserError(f"{self.name} ended with exit code {self.process.returncode}", lines[-8:])

    async def end(self, number: signal.Signals, patience: float) -> None:
        """Ask it to end, and insist after ``patience`` seconds."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        try:
            async with asyncio.timeout(patience):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


async def start(name: str, module: str, arguments: Sequence[str], log: Path, *, read: bool = False) -> Child:
    """``python -m module arguments``, with our own interpreter; ``read``: its standard output is for us.

    It stays in our process group, so that whoever ends the group by force ends it too. Settings that are meant for
    another Lamplighter are kept from it.
    """
    environment = {
        key: value
        for key, value in os.environ.items()
        if key == "LAMPLIGHTER_DEBUG" or not key.startswith("LAMPLIGHTER_")
    }
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never a module from the folder that somebody happens to stand in
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if read else asyncio.subprocess.DEVNULL,
            stderr=errors,
            env=environment | {"PYTHONUNBUFFERED": "1"},
        )
    return Child(name, process, log)
