"""When a reporter speaks, and how much it says. Pure.

Changes at once, else a heartbeat. While a computer is used, its last input moves all the time and nobody needs to know
it; after that it is told in coarse steps, so that nobody can be watched by the second.
"""

from dataclasses import dataclass

from agent.device.use import Use

STEPS = (5 * 60, 10 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600)
"Seconds of idleness that are told apart."


@dataclass(frozen=True, slots=True)
class Report:
    """What is sent (see connectors/computer/README.md)."""

    idle_seconds: int
    active: bool
    locked: bool

    def as_json(self, device: str, every: float) -> dict[str, object]:
        return {
            "device": device,
            "idle_seconds": self.idle_seconds,
            "active": self.active,
            "locked": self.locked,
            "every": every,
        }


@dataclass(slots=True)
class Reports:
    """``idle_after``: seconds without input after which the computer is idle. ``every``: seconds between heartbeats."""

    idle_after: float
    every: float
    _last: Report | None = None
    _sent_at: float | None = None

    def due(self, use: Use, now: float) -> Report | None:
        """What to send now, if anything. ``now``: monotonic seconds. Unknown use is not told: it is not idleness."""
        if use.idle is None and not use.locked:
            return None
        report = self._report(use)
        beat = self._sent_at is None or now - self._sent_at >= self.every
        return report if beat or report != self._last else None

    def sent(self, report: Report, now: float) -> None:
        self._last, self._sent_at = report, now

    def _report(self, use: Use) -> Report:
        idle = use.idle if use.idle is not None else self.idle_after
        if idle < self.idle_after and not use.locked:
            return Report(0, True, False)
        return Report(_step(idle), False, bool(use.locked))

    def next_look(self, use: Use, shortest: float = 1.0) -> float:
        """Seconds until it is worth to look again: at the latest when the computer could become idle."""
        if use.idle is None or use.locked:
            return 5.0
        if use.idle < self.idle_after:
            return min(max(self.idle_after - use.idle, shortest), 15.0)
        return 2.0  # whoever comes back is shown soon


def _step(idle: float) -> int:
    return max((step for step in STEPS if step <= idle), default=int(idle))
