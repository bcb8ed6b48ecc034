"""Runs the small programs of the operating system that know something."""

import subprocess
from collections.abc import Sequence
from typing import Protocol


class Run(Protocol):
    """Gives what a program printed; None when it is not there, fails, or takes too long."""

    def __call__(self, command: Sequence[str]) -> str | None: ...


def run(command: Sequence[str]) -> str | None:
    """A `Run` that really runs. No shell."""
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return ended.stdout if ended.returncode == 0 else None
