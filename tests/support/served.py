"""`lamplighter serve` in a process of its own: started, asked, killed and started again by a test."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

PATIENCE = 60.0
"Real seconds that a start or an end may take on a loaded machine."


class Served:
    """One service with its folder. ``settings``: what comes after the listeners; ports stay the same over restarts.

    ``under``: a command that becomes the one that follows it, with the same process id (``strace -D``, ``unshare``).
    ``environment``: variables beside those of this process.
    """

    def __init__(
        self,
        folder: Path,
        settings: str,
        *,
        log: str = "warning",
        under: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.under = tuple(under)
        self._environment = environment or {}
        self.port = free_port()
        self.http_port = free_port()
        self.settings = folder / "lamplighter.yaml"
        self.settings.write_text(
            f"listeners:\n  - {{transport: udp, host: 127.0.0.1, port: {self.port}}}\n"
            f"  - {{transport: tcp, host: 127.0.0.1, port: {self.port}}}\n"
            f"http: {{host: 127.0.0.1, port: {self.http_port}}}\nlog: {{level: {log}, format: text}}\n{settings}"
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where SIP is listened for, over UDP and TCP."""
        return "127.0.0.1", self.port

    @property
    def database(self) -> Path:
        return self.folder / "lamplighter.db"

    @property
    def log(self) -> str:
        """All that it has said so far, in all its lives."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def launch(self) -> None:
        """Start the process; it is not ready yet."""
        with (self.folder / "log").open("ab") as log:
            serve = (sys.executable, "-m", "agent", "serve", "--settings", str(self.settings))
            variables = {**os.environ, **self._environment}
            self.process = subprocess.Popen((*self.under, *serve), stderr=log, stdout=log, env=variables)

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        self.launch()
        await self.ready()

    async def ready(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while (await self.ask("GET", "/v1/board"))[0] != 200:
                assert self.process is not None and self.process.poll() is None, self.log[-4000:]
                await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def resident(self) -> float:
        """MB of memory that it holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        async with asyncio.timeout(PATIENCE):
            while (code := self.process.poll()) is None:
                await asyncio.sleep(0.01)
        self.process = None
        return code

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and decoded answer of the control socket; status 0: nobody answers."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.settings.with_suffix(".sock")))
        except OSError:
            return 0, None
        return await _ask(reader, writer, method, path, body)

    async def scrape(self, path: str) -> tuple[int, str]:
        """Status and text of a page at the HTTP port: ``/metrics``, ``/healthz``; status 0: nobody answers."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.http_port)
        except OSError:
            return 0, ""
        status, answer = await _ask(reader, writer, "GET", path, None, decode=False)
        return status, str(answer)


async def _ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    body: object,
    decode: bool = True,
) -> tuple[int, Any]:
    sent = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
    )
    try:
        writer.write(head.encode() + sent)
        received = await reader.read()
        first, _, answer = received.partition(b"\r\n\r\n")
        status = int(first.split(b" ", 2)[1])
        return status, json.loads(answer) if decode else answer.decode()
    except (OSError, IndexError, ValueError):
        return 0, None  # it died under the question
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
