"""Linux: X11 by its XScreenSaver extension, GNOME by Mutter, other compositors by swayidle, sessions by logind."""

import atexit
import ctypes
import ctypes.util
import os
import subprocess
import threading
from collections.abc import Callable, Mapping

from agent.device.programs import Run
from agent.device.use import Use


class _ScreenSaverInfo(ctypes.Structure):
    _fields_ = [
        ("window", ctypes.c_ulong),
        ("state", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("since", ctypes.c_ulong),
        ("idle", ctypes.c_ulong),
        ("event_mask", ctypes.c_ulong),
    ]


class X11:
    """XScreenSaverQueryInfo. Not under Wayland: XWayland sees only the input of its own windows."""

    name = "X11"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._display = environ.get("DISPLAY")
        if environ.get("XDG_SESSION_TYPE") == "wayland" or environ.get("WAYLAND_DISPLAY"):
            self._display = None
        self._x: ctypes.CDLL | None = None

    def look(self) -> Use | None:
        if self._display is None:
            return None
        try:
            x = self._x = self._x or ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
            saver = ctypes.CDLL(ctypes.util.find_library("Xss") or "libXss.so.1")
        except OSError:
            return None
        x.XOpenDisplay.restype = saver.XScreenSaverAllocInfo.restype = ctypes.c_void_p
        x.XDefaultRootWindow.restype = ctypes.c_ulong
        display = x.XOpenDisplay(self._display.encode())
        if not display:
            return None
        try:
            return self._query(x, saver, ctypes.c_void_p(display))
        finally:
            x.XCloseDisplay(ctypes.c_void_p(display))

    @staticmethod
    def _query(x: ctypes.CDLL, saver: ctypes.CDLL, display: ctypes.c_void_p) -> Use | None:
        first, second = ctypes.c_int(), ctypes.c_int()
        if not saver.XScreenSaverQueryExtension(display, ctypes.byref(first), ctypes.byref(second)):
            return None
        info = _ScreenSaverInfo()
        root = ctypes.c_ulong(x.XDefaultRootWindow(display))
        if not saver.XScreenSaverQueryInfo(display, root, ctypes.byref(info)):
            return None
        return Use(info.idle / 1000)


class Mutter:
    """GNOME, on X11 and Wayland alike: GetIdletime gives milliseconds."""

    name = "GNOME"
    COMMAND = (
        *("busctl", "--user", "--timeout=3", "call", "org.gnome.Mutter.IdleMonitor"),
        *("/org/gnome/Mutter/IdleMonitor/Core", "org.gnome.Mutter.IdleMonitor", "GetIdletime"),
    )

    def __init__(self, run: Run) -> None:
        self._run = run

    def look(self) -> Use | None:
        kind, _, number = (self._run(self.COMMAND) or "").strip().partition(" ")
        return Use(int(number) / 1000) if kind == "t" and number.isdecimal() else None


class Logind:
    """The session at logind: whether it is locked; and its own idea of idleness, which many desktops never set."""

    name = "logind"

    def __init__(self, run: Run, environ: Mapping[str, str], wall: Callable[[], float]) -> None:
        self._run, self._wall = run, wall
        self._session = environ.get("XDG_SESSION_ID") or "auto"

    def look(self) -> Use | None:
        properties = ("--property=LockedHint", "--property=IdleHint", "--property=IdleSinceHint")
        told = self._run(("loginctl", "show-session", self._session, *properties))
        if told is None:
            return None
        given = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        idle = None
        if given.get("IdleHint") == "yes" and given.get("IdleSinceHint", "").isdecimal():
            idle = max(0.0, self._wall() - int(given["IdleSinceHint"]) / 1e6)
        return Use(idle, {"yes": True, "no": False}.get(given.get("LockedHint", "")))


class SwayIdle:
    """Compositors with ext-idle-notify (sway, KDE, Hyprland, …): swayidle tells when use pauses and goes on."""

    name = "swayidle"

    def __init__(
        self,
        environ: Mapping[str, str],
        monotonic: Callable[[], float],
        after: int = 60,
        start: Callable[..., "subprocess.Popen[str]"] = subprocess.Popen,
    ) -> None:
        """``after``: seconds without input that it is asked to tell of."""
        self._wanted = bool(environ.get("WAYLAND_DISPLAY"))
        self._monotonic, self._after, self._start = monotonic, after, start
        self._program: subprocess.Popen[str] | None = None
        self._paused_at: float | None = None

    def look(self) -> Use | None:
        if not self._wanted:
            return None
        if self._program is None and not self._begin():
            self._wanted = False
            return None
        if self._program is None or self._program.poll() is not None:
            self._wanted = False  # the compositor does not know the protocol
            return None
        # Between two messages nobody knows how long ago the last input was, but that it was within `after`.
        return Use(0.0 if self._paused_at is None else self._monotonic() - self._paused_at)

    def close(self) -> None:
        if self._program is not None:
            self._program.terminate()

    def _begin(self) -> bool:
        try:
            self._program = self._start(
                ["swayidle", "-w", "timeout", str(self._after), "echo paused", "resume", "echo resumed"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
                text=True,
                env={**os.environ},
            )
        except OSError:
            return False
        atexit.register(self.close)
        threading.Thread(target=self._read, daemon=True, name="swayidle").start()
        return True

    def _read(self) -> None:
        assert self._program is not None and self._program.stdout is not None
        for line in self._program.stdout:
            if line.strip() == "paused":
                self._paused_at = self._monotonic() - self._after
            elif line.strip() == "resumed":
                self._paused_at = None
