"""One person's devices: reports become facts, and what is kept of them can be seen and forgotten."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.attached import Attached
from connectors.base import Context, Link
from connectors.facts import Fact
from connectors.location.report import Report
from connectors.location.settings import LocationSettings
from connectors.location.whereabouts import Kept, Policy, Whereabouts

REFRESH = timedelta(seconds=60)
"A device that says the same again is news after so long: what is known is good for hours."
MOST_DEVICES = 20
"Of one person; the one that has been silent longest makes room."


class LocationLink(Attached):
    """Each device is a stream of its own, so that the rules can see which is newer."""

    def __init__(self, link: Link, settings: LocationSettings, context: Context) -> None:
        super().__init__(link, (link.person, *link.addresses, *settings.devices), context.hub.directory)
        self._context = context
        self._policy: Policy = settings.policy()
        self._devices: dict[str, Whereabouts] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._said: dict[str, Kept] = {}
        self._restore()

    @property
    def secret(self) -> str | None:
        return self.link.secret

    def hear(self, reports: Iterable[Report]) -> None:
        """What was told of this person's devices, in any order."""
        now = self._context.clock.now()
        concerned: dict[str, None] = {}
        for report in sorted(reports, key=lambda report: report.at):
            device = self._device(report.device)
            before = device.kept
            if device.take(report, now) is None and device.kept != before:
                concerned[report.device] = None
        for name in concerned:
            if self._is_news(name):
                self._tell(name)
            self._arm(name)

    def kept(self) -> list[dict[str, Any]]:
        """All that is kept of the person here, for them to see: device, zone, since, when it last told, tags."""
        return [
            {
                "device": name or None,
                "zone": kept.zone,
                "since": kept.since.isoformat(),
                "last_told": kept.fixed_at.isoformat(),
                "confidence": kept.confidence,
                "tags": list(kept.tags),
                "known_until": (kept.fixed_at + self._policy.ttl).isoformat(),
            }
            for name, device in sorted(self._devices.items())
            if (kept := device.kept) is not None
        ]

    def forget(self) -> tuple[str, ...]:
        """Nothing is known any more. Returns the sources of the facts that were told."""
        sources = tuple(self._source(name) for name in self._devices)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._devices.clear()
        self._said.clear()
        self._context.state.clear()
        return sources

    async def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await super().close()

    def _device(self, name: str) -> Whereabouts:
        if name not in self._devices:
            if len(self._devices) >= MOST_DEVICES:
                oldest = min(self._devices, key=lambda each: _told(self._devices[each]))
                del self._devices[oldest]
                self._said.pop(oldest, None)
                self._context.state.pop(oldest, None)
            self._devices[name] = Whereabouts(self._policy)
        return self._devices[name]

    def _is_news(self, name: str) -> bool:
        kept, said = self._devices[name].kept, self._said.get(name)
        if kept is None or said is None:
            return kept is not None
        return replace(kept, fixed_at=said.fixed_at) != said or kept.fixed_at - said.fixed_at >= REFRESH

    def _tell(self, name: str) -> None:
        device = self._devices[name]
        kept = device.kept
        assert kept is not None
        self._said[name] = kept
        self._context.state[name] = _written(kept)
        self.tell([self._fact(name, kept)])

    def _fact(self, name: str, kept: Kept) -> Fact:
        until = kept.fixed_at + self._policy.ttl
        return Fact(self.link.person, self._source(name), kept.value(), kept.fixed_at, until)

    def _arm(self, name: str) -> None:
        """Somebody may have left, and nothing may come to confirm it."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
        due = self._devices[name].due()
        if due is not None:
            wait = max(0.0, (due - self._context.clock.now()).total_seconds())
            self._timers[name] = asyncio.get_running_loop().call_later(wait, self._ripe, name)

    def _ripe(self, name: str) -> None:
        del self._timers[name]
        if name in self._devices and self._devices[name].ripen(self._context.clock.now()):
            self._tell(name)
        if name in self._devices:
            self._arm(name)

    def _restore(self) -> None:
        now = self._context.clock.now()
        for name, text in list(self._context.state.items()):
            kept = _read(text)
            if kept is None or kept.fixed_at + self._policy.ttl <= now:
                del self._context.state[name]
                continue
            self._devices[name] = Whereabouts(self._policy, kept)
            self.tell([self._fact(name, kept)])

    def _source(self, device: str) -> str:
        base = f"{self.link.connector}:{self.link.id}"
        return f"{base}/{device}" if device else base


def _told(device: Whereabouts) -> float:
    return device.kept.fixed_at.timestamp() if device.kept is not None else 0.0


def _written(kept: Kept) -> str:
    return json.dumps(
        [kept.zone, kept.since.isoformat(), kept.fixed_at.isoformat(), kept.confidence, list(kept.tags)]
    )


def _read(text: str) -> Kept | None:
    try:
        zone, since, fixed_at, confidence, tags = json.loads(text)
        return Kept(
            zone,
            datetime.fromisoformat(since),
            datetime.fromisoformat(fixed_at),
            float(confidence),
            tuple(tags),
        )
    except (ValueError, TypeError):
        return None
