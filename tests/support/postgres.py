"""A PostgreSQL server of Debian's, on a free loopback port, with nothing in it; stopped by its process id."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

PROGRAMS = "/usr/lib/postgresql/*/bin"
START_WITHIN = 60.0
NOBODY_ELSE = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
"It refuses to run as root."


@dataclass
class Postgres:
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://lamp@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        command = [
            _program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=20",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **NOBODY_ELSE)  # type: ignore[call-overload]
        end = time.monotonic() + START_WITHIN
        while not self._is_ready():
            assert time.monotonic() < end and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: connections are cut and it ends in order. SIGQUIT: as in a crash."""
        if self.process is not None:
            os.kill(self.process.pid, number)
            self.process.wait(START_WITHIN)
            self.process = None

    def run(self, statement: str) -> None:
        subprocess.run(
            [
                _program("psql"),
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                "lamp",
                "-c",
                statement,
                "postgres",
            ],
            check=True,
            capture_output=True,
        )

    def _is_ready(self) -> bool:
        asked = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0


def _program(name: str) -> str:
    found = sorted(Path("/").glob(f"{PROGRAMS[1:]}/{name}"))
    assert found, f"{name} of PostgreSQL is missing; deploy/install-test-packages installs it"
    return str(found[-1])


@contextmanager
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="lamplighter-pg-"))
    server = Postgres(folder, free_port())
    try:
        if NOBODY_ELSE:
            shutil.chown(folder, **NOBODY_ELSE)
        made = [
            _program("initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "lamp",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        done = subprocess.run(made, capture_output=True, check=False, **NOBODY_ELSE)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr
        server.start()
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
