"""What operating systems answer, and what is made of it."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.device.activitywatch import ActivityWatch
from agent.device.linux import X11, Logind, Mutter, SwayIdle
from agent.device.macos import IoRegistry
from agent.device.use import Use
from agent.device.windows import LastInput, idle_of
from tests.support.screen import screen

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_x11_tells_how_long_ago_the_last_input_was():
    with screen() as made:
        x11 = X11({"DISPLAY": made.display})
        made.move()
        first = x11.look()
        assert first is not None and first.idle is not None and first.idle < 30
        # The clock is the X server's: look until it has moved on, then use the mouse.
        while (later := x11.look()) is not None and later.idle is not None and later.idle < first.idle + 0.05:
            pass
        made.move()
        again = x11.look()
        assert again is not None and again.idle is not None and again.idle < later.idle
        assert X11({"DISPLAY": made.display, "XDG_SESSION_TYPE": "wayland"}).look() is None


def test_x11_without_a_screen():
    assert X11({}).look() is None
    assert X11({"DISPLAY": ":4711"}).look() is None


def saying(text: str | None):
    return lambda command: text


def test_mutter():
    assert Mutter(saying("t 61250\n")).look() == Use(61.25)
    assert Mutter(saying('s "what"\n')).look() is None
    assert Mutter(saying(None)).look() is None


@pytest.mark.parametrize(
    "told, use",
    [
        ("LockedHint=yes\nIdleHint=no\nIdleSinceHint=0\n", Use(None, True)),
        ("LockedHint=no\nIdleHint=yes\nIdleSinceHint=999999940000000\n", Use(60.0, False)),
        ("LockedHint=no\nIdleHint=no\nIdleSinceHint=5\n", Use(None, False)),
        ("", Use(None, None)),
    ],
)
def test_logind(told, use):
    assert Logind(saying(told), {}, lambda: 1_000_000_000.0).look() == use


class Program:
    """Stands for a program that was started."""

    def __init__(self, lines: str, ended: int | None = None) -> None:
        self.stdout = io.StringIO(lines)
        self._ended = ended

    def poll(self) -> int | None:
        return self._ended

    def terminate(self) -> None:
        self._ended = -15


def sway(program: Program, clock: list[float]) -> SwayIdle:
    return SwayIdle({"WAYLAND_DISPLAY": "wayland-1"}, lambda: clock[0], start=lambda *_, **__: program)


def test_swayidle_tells_of_pauses():
    clock = [1000.0]
    program = Program("paused\n")
    source = sway(program, clock)
    source._program = program  # as started; read here and not in its thread
    source._read()
    clock[0] = 1100.0
    assert source.look() == Use(160.0)
    program.stdout = io.StringIO("resumed\n")
    source._read()
    assert source.look() == Use(0.0)


def test_a_compositor_without_the_protocol_or_without_swayidle():
    assert sway(Program("", ended=1), [0.0]).look() is None

    def missing(*_, **__):
        raise FileNotFoundError

    assert SwayIdle({"WAYLAND_DISPLAY": "wayland-1"}, lambda: 0.0, start=missing).look() is None
    assert SwayIdle({}, lambda: 0.0, start=missing).look() is None


def test_windows_ticks_wrap():
    assert idle_of(1000, 61_000) == 60
    assert idle_of((1 << 32) - 30_000, (1 << 32) + 30_000) == 60


class Dll:
    """user32 and kernel32 in one."""

    def __init__(self, tick: int, now: int, desktop: int) -> None:
        self.tick, self.now, self.desktop = tick, now, desktop
        self.GetTickCount64 = lambda: self.now

    def __call__(self, name: str) -> "Dll":
        return self

    def GetLastInputInfo(self, reference) -> int:
        reference._obj.tick = self.tick
        return 1

    def OpenInputDesktop(self, *_) -> int:
        return self.desktop

    def CloseDesktop(self, handle: int) -> int:
        return 1


def test_windows():
    dll = Dll(1000, 31_000, 7)
    dll.GetTickCount64 = type("F", (), {"__call__": lambda self: dll.now})()
    assert LastInput(dll).look() == Use(30.0, False)
    dll.desktop = 0
    assert LastInput(dll).look() == Use(30.0, True)


def test_windows_is_not_here():
    assert LastInput().look() is None


def test_macos():
    answers = {
        "IOHIDSystem": '  | "HIDIdleTime" = 61000000000\n',
        "Root": '"IOConsoleUsers" = ({"CGSSessionScreenIsLocked"=Yes,"kCGSSessionUserNameKey"="a"})',
    }
    source = IoRegistry(lambda command: answers.get(command[2]))
    assert source.look() == Use(61.0, True)
    answers["Root"] = '"IOConsoleUsers" = ({"kCGSSessionUserNameKey"="a"})'
    assert source.look() == Use(61.0, False)
    answers["IOHIDSystem"] = ""
    assert source.look() is None


def watch(buckets: dict[str, dict], events: dict[str, list]) -> ActivityWatch:
    def get(url: str):
        path = url.partition("/api/0/buckets/")[2]
        if not path:
            return buckets
        return events.get(path.partition("/")[0])

    return ActivityWatch(lambda: NOW, get=get)


def event(status: str, ago: float, lasted: float) -> list[dict]:
    start = NOW - timedelta(seconds=ago)
    return [{"id": 1, "timestamp": start.isoformat(), "duration": lasted, "data": {"status": status}}]


AFK = {"type": "afkstatus"}


@pytest.mark.parametrize(
    "events, idle",
    [
        ({"a": event("not-afk", 600, 590)}, 10.0),
        ({"a": event("afk", 600, 590)}, 600.0),
        ({"a": event("not-afk", 600, 100)}, None),
        ({"a": event("afk", 600, 590), "b": event("not-afk", 100, 95)}, 5.0),
        ({"a": [], "b": event("not-afk", 100, 95)}, 5.0),
        ({"a": [{"timestamp": "yesterday"}]}, None),
        ({"a": {"detail": "no"}}, None),
        ({}, None),
    ],
    ids=[
        "in use",
        "away",
        "its watcher has stopped",
        "two watchers",
        "no event",
        "nonsense",
        "not a list",
        "gone",
    ],
)
def test_activitywatch(events, idle):
    buckets = {"a": AFK, "b": AFK, "window": {"type": "currentwindow"}}
    use = watch(buckets, events).look()
    assert (use.idle if use is not None else None) == idle


def test_activitywatch_is_not_here():
    assert ActivityWatch(lambda: NOW, get=lambda url: None).look() is None
    assert ActivityWatch(lambda: NOW, "http://127.0.0.1:9").look() is None


def test_activitywatch_over_http(tmp_path):
    """The one real request that is made, against a server of the standard library."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = {"afk": AFK} if self.path.endswith("/buckets/") else event("afk", 300, 299)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert ActivityWatch(lambda: NOW, f"http://127.0.0.1:{server.server_port}").look() == Use(300.0)
    finally:
        server.shutdown()
        server.server_close()
