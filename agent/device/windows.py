"""Windows: GetLastInputInfo, and whether the input desktop can be opened."""

import ctypes
from collections.abc import Callable
from typing import Any

from agent.device.use import Use

_WRAP = 1 << 32
"The tick of the last input has 32 bits: milliseconds since the start, beginning anew after 49.7 days."


class _LastInputInfo(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("tick", ctypes.c_uint)]


def idle_of(last_tick: int, now_tick: int) -> float:
    """Seconds between two ticks, of which the first has 32 bits."""
    return ((now_tick - last_tick) % _WRAP) / 1000


class LastInput:
    """Of this session. ``library``: gives a DLL by name; default: the system's own."""

    name = "Windows"

    def __init__(self, library: Callable[[str], Any] | None = None) -> None:
        self._library: Callable[[str], Any] | None = library or getattr(ctypes, "WinDLL", None)

    def look(self) -> Use | None:
        if self._library is None:
            return None
        try:
            user, kernel = self._library("user32"), self._library("kernel32")
            info = _LastInputInfo(ctypes.sizeof(_LastInputInfo), 0)
            if not user.GetLastInputInfo(ctypes.byref(info)):
                return None
            kernel.GetTickCount64.restype = ctypes.c_ulonglong
            idle = idle_of(info.tick, int(kernel.GetTickCount64()))
            # 0x0100: DESKTOP_SWITCHDESKTOP. The secure desktop of the lock screen lets nobody in.
            desktop = user.OpenInputDesktop(0, False, 0x0100)
            if desktop:
                user.CloseDesktop(desktop)
            return Use(idle, not desktop)
        except (OSError, AttributeError):
            return None
