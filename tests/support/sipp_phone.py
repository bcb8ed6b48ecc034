"""Phones played by SIPp: one that is called, and one that calls and then does what the test says."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

SCENARIOS = Path(__file__).resolve().parents[1] / "interop" / "sipp"


@dataclass(slots=True)
class SippPhone:
    """Made by `sipp_phone`; ``act`` and ``calls`` begin one call each."""

    user: str
    password: str
    pbx: str
    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    async def wait_to_be_called(self) -> None:
        self.process = await self._start("phone_answers", self.port)

    async def call(self, number: str) -> None:
        self.process = await self._start(
            "phone_calls", self.port, "-cid_str", self._call_id, "-key", "callee", number
        )

    def step(self) -> None:
        """The next of hold, resume, hang up."""
        lines = (
            f"INFO sip:{self.user}@127.0.0.1:{self.port} SIP/2.0",
            "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKstep",
            "From: <sip:test@127.0.0.1>;tag=t",
            f"To: <sip:{self.user}@127.0.0.1>;tag=u",
            f"Call-ID: {self._call_id}",
            "CSeq: 1 INFO",
            "Content-Length: 0",
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), ("127.0.0.1", self.port))

    async def crash(self) -> None:
        """Gone without a word."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def ended_well(self) -> None:
        """Raises AssertionError with what SIPp complained of."""
        assert self.process is not None
        assert await self.process.wait() == 0, (self.folder / f"sipp-{self.user}.log").read_text()

    @property
    def _call_id(self) -> str:
        return f"call-of-{self.user}"

    async def _start(self, scenario: str, port: int, *more: str) -> asyncio.subprocess.Process:
        with (self.folder / f"sipp-{self.user}.log").open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *("sipp", self.pbx, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1"),
                *("-i", "127.0.0.1", "-p", str(port), "-mp", str(free_port()), "-nostdin"),
                *("-au", self.user, "-ap", self.password, "-key", "user", self.user),
                *("-key", "phone_port", str(self.port), *more),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


@asynccontextmanager
async def sipp_phone(folder: Path, user: str, password: str, pbx: str) -> AsyncIterator[SippPhone]:
    """Registered at ``pbx`` (``127.0.0.1:PORT``)."""
    phone = SippPhone(user, password, pbx, folder, free_port())
    phone.process = await phone._start("phone_registers", free_port())
    await phone.ended_well()
    try:
        yield phone
    finally:
        await phone.crash()
