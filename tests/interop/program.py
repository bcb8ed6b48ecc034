"""A foreign program that runs beside the test: what it has printed can be waited for, and it can be typed to."""

import os
import pty
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 15.0
"Seconds that a program may take for anything, on a busy machine."


class Program:
    """Started at once. ``terminal``: it wants to be typed to by a human. Use as a context manager, or `stop` it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        terminal: bool = False,
    ) -> None:
        self.name = Path(command[0]).name
        self._arrival = threading.Condition()
        self._said = ""
        self._ended = False
        if terminal:
            ours, theirs = pty.openpty()
            self._in = self._out = ours
            self.process = self._start(command, cwd, env, theirs, theirs)
            os.close(theirs)
        else:
            their_in, self._in = os.pipe()
            self._out, their_out = os.pipe()
            self.process = self._start(command, cwd, env, their_in, their_out)
            os.close(their_in)
            os.close(their_out)
        self._reader = threading.Thread(target=self._read, name=f"reads {self.name}", daemon=True)
        self._reader.start()

    @staticmethod
    def _start(
        command: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, given: int, said: int
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=given, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._out, 65536)
            except OSError:  # so a terminal says that nobody holds its other end any more
                data = b""
            with self._arrival:
                self._said += data.decode("utf-8", "replace").replace("\r\n", "\n")
                self._ended = not data
                self._arrival.notify_all()
            if not data:
                return

    @property
    def said(self) -> str:
        """Everything that it has printed until now."""
        with self._arrival:
            return self._said

    def mark(self) -> int:
        """The place that its output has reached, for `wait_for`."""
        with self._arrival:
            return len(self._said)

    def type(self, line: str) -> None:
        os.write(self._in, line.encode() + b"\n")

    def wait_for(self, pattern: str, since: int = 0, within: float = PATIENCE) -> "re.Match[str]":
        """The first match after ``since``. An AssertionError shows what it has said instead."""
        looked_for = re.compile(pattern, re.MULTILINE)
        end = time.monotonic() + within
        with self._arrival:
            while (found := looked_for.search(self._said, since)) is None:
                left = end - time.monotonic()
                assert left > 0 and not self._ended, (
                    f"{self.name} {'has ended' if self._ended else 'still runs'} and has not said {pattern!r} "
                    f"after:\n{self._said[since:][-4000:]}"
                )
                self._arrival.wait(left)
        return found

    def wait_for_end(self, within: float = PATIENCE) -> int:
        """Its exit code. Raises TimeoutExpired."""
        return self.process.wait(timeout=within)

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(timeout=1)
        for end in {self._in, self._out}:
            os.close(end)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
