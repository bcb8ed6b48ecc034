"""A real X server without a screen, and a mouse for it. Xvfb and xdotool are in deploy/install-test-packages."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Screen:
    display: str
    _at: int = 10

    def move(self) -> None:
        """Somebody moves the mouse."""
        self._at = 10 if self._at > 100 else self._at + 10
        command = ["xdotool", "mousemove", str(self._at), str(self._at)]
        subprocess.run(command, env={**os.environ, "DISPLAY": self.display}, check=True)


@contextmanager
def screen() -> Iterator[Screen]:
    read, write = os.pipe()
    # -noreset: else the server begins anew whenever its last client has gone.
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x200x8", "-nolisten", "tcp", "-noreset"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as number:
        display = f":{number.readline().strip()}"
    try:
        yield Screen(display)
    finally:
        server.terminate()
        server.wait()
