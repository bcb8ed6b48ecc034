"""A desk phone that a test can use as a person would: baresip, told by its control port what to do.

It registers, calls, answers, holds and hangs up; it has no sound card and echoes what it hears. To crash it, kill it.
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

MODULES = "/usr/lib/baresip/modules"


@dataclass(slots=True)
class DeskPhone:
    """Made by `desk_phone`. Events are baresip's: ``CALL_INCOMING``, ``CALL_ESTABLISHED``, ``CALL_CLOSED`` …"""

    process: asyncio.subprocess.Process
    log: Path
    _reader: asyncio.StreamReader = field(repr=False)
    _writer: asyncio.StreamWriter = field(repr=False)

    async def call(self, number: str) -> None:
        await self._do("dial", number)

    async def answer(self) -> None:
        await self._until("CALL_INCOMING")
        await self._do("accept")

    async def hold(self) -> None:
        await self._do("hold")

    async def resume(self) -> None:
        await self._do("resume")

    async def hang_up(self) -> None:
        await self._do("hangup")

    async def switch_off(self) -> None:
        """As one does with the power key: it unregisters."""
        self.process.terminate()
        await self.process.wait()

    async def crash(self) -> None:
        """Gone without a word."""
        self.process.kill()
        await self.process.wait()

    async def _do(self, command: str, parameters: str = "") -> None:
        text = json.dumps({"command": command, "params": parameters, "token": command})
        self._writer.write(f"{len(text)}:{text},".encode())
        while True:
            said = await self._read()
            if said.get("response") and said.get("token") == command:
                assert said["ok"], f"{command}: {said.get('data')}\n{_tail(self.log)}"
                return

    async def _until(self, event: str) -> None:
        while (await self._read()).get("type") != event:
            pass

    async def _read(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            length = await self._reader.readuntil(b":")
            text = await self._reader.readexactly(int(length[:-1]) + 1)
        said: dict[str, Any] = json.loads(text[:-1])
        return said


@asynccontextmanager
async def desk_phone(
    folder: Path, user: str, password: str, registrar: str, transport: str = "udp"
) -> AsyncIterator[DeskPhone]:
    """Registered at ``registrar`` (``127.0.0.1:PORT``)."""
    home = folder / f"phone-{user}"
    home.mkdir(parents=True)
    control = free_port()
    modules = "".join(f"module {name}.so\n" for name in ("g711", "aubridge"))
    modules += "".join(f"module_app {name}.so\n" for name in ("account", "menu", "ctrl_tcp"))
    (home / "config").write_text(
        f"module_path {MODULES}\nsip_listen 127.0.0.1:{free_port(2)}\nmodule_tmp uuid.so\nnet_interface 127.0.0.1\n"
        f"ctrl_tcp_listen 127.0.0.1:{control}\ncall_max_calls 4\ncall_local_timeout 120\n"
        f"audio_source aubridge,line\naudio_player aubridge,line\naudio_alert aubridge,bell\n{modules}"
    )
    (home / "accounts").write_text(
        f"<sip:{user}@{registrar};transport={transport}>;auth_user={user};auth_pass={password};regint=600\n"
    )
    log = home / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("baresip", "-v", "-f", str(home)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await _until_registered(process, log)
        reader, writer = await asyncio.open_connection("127.0.0.1", control)
        yield DeskPhone(process, log, reader, writer)
        writer.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_registered(process: asyncio.subprocess.Process, log: Path) -> None:
    for _ in range(600):
        said = _tail(log)
        assert process.returncode is None, said
        if "200 OK" in said:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the phone does not register:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]
