"""A file system for one service, in a mount namespace of its own: nothing of it is left when the test ends or dies."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# `cat` holds the namespace until its input closes, which it does however the test ends.
HOLD = 'mount "$@" && echo mounted && exec cat'


@dataclass(frozen=True)
class OwnMount:
    at: Path
    holder: int
    "Process id of who keeps the namespace."

    @property
    def inside(self) -> Path:
        """Where others find it."""
        return Path(f"/proc/{self.holder}/root{self.at}")

    @property
    def under(self) -> tuple[str, ...]:
        """For `tests.support.served.Served`: it is the process that enters, in the folder where it would have been."""
        return ("nsenter", "-t", str(self.holder), "-m", "env", "-C", str(Path.cwd()))

    def run(self, *command: str) -> str:
        """What it said."""
        return subprocess.run((*self.under, *command), check=True, capture_output=True, text=True).stdout


@contextmanager
def mounted(at: Path, *options: str) -> Iterator[OwnMount]:
    """``options``: as for ``mount``, but for the place. Skips the test where nothing may be mounted."""
    at.mkdir()
    command = ("unshare", "-m", "--propagation", "private", "sh", "-c", HOLD, "sh", *options, str(at))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        if process.stdout.readline() != b"mounted\n":
            pytest.skip(f"nothing may be mounted here: {process.stderr.read().decode().strip()}")
        try:
            yield OwnMount(at, process.pid)
        finally:
            process.stdin.close()
