"""A Mosquitto broker on a free loopback port, with passwords, and its own client as publisher."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.net.tls import Credentials
from tests.support.ports import free_port

PASSWORDS = {"lamplighter": "br0ker-secret", "phones": "ph0nes"}


@dataclass
class Mosquitto:
    """``start`` and ``stop`` it; messages that are published with ``retain`` are kept between."""

    folder: Path
    port: int
    credentials: Credentials | None = None
    authority: Path | None = None
    _process: asyncio.subprocess.Process | None = None

    def configure(self) -> None:
        self.folder.mkdir()
        passwords = self.folder / "passwords"
        passwords.touch(mode=0o600)
        for user, password in PASSWORDS.items():
            subprocess.run(
                ["mosquitto_passwd", "-b", passwords, user, password], check=True, capture_output=True
            )
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {passwords}",
            "user root",
            "persistence false",
        ]
        if self.credentials is not None:
            lines += [f"certfile {self.credentials.certificate}", f"keyfile {self.credentials.key}"]
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "/usr/sbin/mosquitto", "-c", str(self.folder / "mosquitto.conf"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(20):
            while True:
                assert self._process.returncode is None, "the broker did not start"
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def publish(self, topic: str, payload: str, *options: str) -> None:
        """By `mosquitto_pub`, as the user ``phones``."""
        secure = ["--cafile", str(self.authority)] if self.authority is not None else []
        process = await asyncio.create_subprocess_exec(
            "mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-u", "phones", "-P", PASSWORDS["phones"],
            "-q", "1", "-t", topic, "-m", payload, *secure, *options,
        )  # fmt: skip
        assert await process.wait() == 0


@asynccontextmanager
async def mosquitto(
    folder: Path, credentials: Credentials | None = None, authority: Path | None = None
) -> AsyncIterator[Mosquitto]:
    """Running until the end of the block; over TLS with ``credentials``, signed by ``authority``."""
    broker = Mosquitto(folder, free_port(), credentials, authority)
    broker.configure()
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
