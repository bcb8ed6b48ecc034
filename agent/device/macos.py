"""macOS: the I/O registry knows since when no input has come, and whether the screen is locked."""

import re

from agent.device.programs import Run
from agent.device.use import Use

_IDLE = re.compile(r'"HIDIdleTime"\s*=\s*(\d+)')
_LOCKED = re.compile(r'"CGSSessionScreenIsLocked"\s*=\s*(Yes|No|true|false|\d)', re.IGNORECASE)


class IoRegistry:
    """By `ioreg`, which every macOS has and which needs no permission."""

    name = "macOS"

    def __init__(self, run: Run) -> None:
        self._run = run

    def look(self) -> Use | None:
        system = self._run(("ioreg", "-c", "IOHIDSystem", "-d", "4"))
        found = _IDLE.search(system or "")
        if found is None:
            return None
        locked = _LOCKED.search(self._run(("ioreg", "-n", "Root", "-d", "1")) or "")
        # The key is there only while somebody is signed in at the screen, and mostly only when it is locked.
        return Use(int(found[1]) / 1e9, locked is not None and locked[1].lower() in ("yes", "true", "1"))
