"""The reporter's loop over virtual time."""

from agent.device.loop import report_for_good, sources
from agent.device.reports import Reports
from agent.device.service import Away, Refused
from agent.device.use import Use
from tests.support.clock import VirtualClock


class Desk:
    """Somebody at a computer, and a service that may be away."""

    name = "desk"

    def __init__(self, until: float) -> None:
        self.clock = VirtualClock()
        self.start = self.clock.monotonic()
        self.until = until
        self.last_input = 0.0
        self.sent: list[tuple[float, dict]] = []
        self.tries: list[float] = []
        self.lines: list[str] = []
        self.fails: Exception | None = None
        self.script: dict[float, object] = {}

    @property
    def time(self) -> float:
        return self.clock.monotonic() - self.start

    def look(self) -> Use:
        return Use(self.time - self.last_input)

    def send(self, content: dict) -> None:
        self.tries.append(self.time)
        if self.fails is not None:
            raise self.fails
        self.sent.append((self.time, content))

    def wait(self, seconds: float) -> bool:
        assert seconds > 0, "never in a hurry"
        self.clock.advance(seconds)
        for moment in [moment for moment in self.script if moment <= self.time]:
            self.script.pop(moment)()
        return self.time >= self.until

    def run(self) -> bool:
        return report_for_good(
            [self], Reports(300, 120), self.send, "laptop", self.clock, self.wait, self.lines.append
        )


def test_a_pause_and_a_return():
    desk = Desk(until=500)
    desk.script[400] = lambda: setattr(desk, "last_input", 400.0)
    assert desk.run()
    states = [(content["active"], content["idle_seconds"]) for _, content in desk.sent]
    assert states[:4] == [(True, 0), (True, 0), (True, 0), (False, 300)]
    idle_at = next(at for at, content in desk.sent if not content["active"])
    back_at = next(at for at, content in desk.sent if at > idle_at and content["active"])
    assert 300 <= idle_at < 302, "at the second, not at the next heartbeat"
    assert 400 <= back_at < 403
    assert desk.sent[0][1] == {
        "device": "laptop",
        "idle_seconds": 0,
        "active": True,
        "locked": False,
        "every": 120,
    }


def test_a_service_that_is_away_is_tried_again_with_growing_waits_and_told_once():
    desk = Desk(until=3000)
    desk.fails = Away("it cannot be reached (refused)")
    desk.script[1000] = lambda: setattr(desk, "fails", None)
    desk.run()
    waits = [later - earlier for earlier, later in zip(desk.tries, desk.tries[1:], strict=False)]
    assert waits[:4] == [5, 10, 20, 40]
    assert max(waits) <= 300
    assert desk.lines == ["it cannot be reached (refused); tried again", "the service answers again"]
    assert desk.sent


def test_a_revoked_token_ends_it():
    desk = Desk(until=3000)
    desk.fails = Refused()
    assert not desk.run()
    assert "enroll it again" in desk.lines[0]


def test_each_system_has_its_ways():
    clock = VirtualClock()
    assert [way.name for way in sources({}, clock, "win32")] == ["Windows", "ActivityWatch"]
    assert [way.name for way in sources({}, clock, "darwin")] == ["macOS", "ActivityWatch"]
    assert [way.name for way in sources({}, clock, "linux")] == [
        "X11",
        "GNOME",
        "swayidle",
        "logind",
        "ActivityWatch",
    ]
