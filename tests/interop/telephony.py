"""The service beside a real PBX, and somebody who watches its people over SIP."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.app import App, open_app
from agent.cli.sip_client import open_client
from agent.cli.watch import Watcher, WatchOptions
from agent.clock import SystemClock
from agent.settings import load_settings
from agent.sip.flows import Transport
from connectors.facts import CallState, CallValue, ReachState, ReachValue
from connectors.health import HealthState
from tests.support.certificates import Authority

SETTINGS = """
domains: [example.org]
authentication: {{mode: "off"}}
listeners: [{{transport: udp, host: 127.0.0.1, port: 0}}]
http: {{enabled: false}}
store: {{url: "memory:"}}
notify: {{minimum_interval: 0s}}
outbound: {{allow_private: [127.0.0.0/8]}}
allow_inline_secrets: true
tls: {{ca_file: {ca_file}}}
people:
  alice: {{sip: "sip:1001@example.org"}}
  bob: {{sip: "sip:1002@example.org"}}
connectors:
  pbx: {{connector: {connector}, everyone: true, password: {password}, settings: {settings}}}
"""
AVAILABLE, RINGING, PHONE, UNKNOWN = "available", "ringing", "on-the-phone", "unknown"


@dataclass
class Telephony:
    """``shown``: what the watcher was told of each, in order, in one word each."""

    app: App
    _read: Callable[[], str]
    shown: dict[str, list[str]] = field(default_factory=lambda: {"alice": [], "bob": []})

    def look(self) -> None:
        """Take in what the watcher has printed."""
        for line in self._read().splitlines():
            said = json.loads(line)
            who = "alice" if "1001" in said["uri"] else "bob"
            self.shown[who].append(_word(said["activities"], said["notes"]))

    async def until(self, alice: str, bob: str) -> None:
        """Until the watcher sees them so."""
        await self._until(lambda: [each[-1:] for each in self.shown.values()] == [[alice], [bob]])

    async def call_is(self, person: str, state: CallState) -> None:
        await self._until(lambda: state in self._values(person, CallValue))

    async def reach_is(self, person: str, state: ReachState) -> None:
        await self._until(lambda: state in self._values(person, ReachValue))

    async def health_is(self, link: str, state: HealthState) -> None:
        await self._until(
            lambda: any(row.link == link and row.state is state for row in self.app.runner.health())
        )

    def _values(self, person: str, kind: type) -> list[object]:
        facts = self.app.decider.facts.of(person)
        return [fact.value.state for fact in facts if isinstance(fact.value, kind)]  # type: ignore[union-attr]

    async def _until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(90):
                while not holds():
                    await asyncio.sleep(0.01)
                    self.look()
        except TimeoutError:
            facts = [str(fact) for person in self.shown for fact in self.app.decider.facts.of(person)]
            raise AssertionError(f"{self.shown}\n{self.app.runner.health()}\n{facts}") from None


def _word(activities: list[str], notes: list[str]) -> str:
    if activities == ["unknown"]:
        return UNKNOWN
    if activities == ["on-the-phone"]:
        return RINGING if notes == ["Ringing"] else PHONE
    return AVAILABLE if not activities else f"{activities} {notes}"


@asynccontextmanager
async def telephony(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    authority: Authority,
    connector: str,
    password: str,
    **settings: object,
) -> AsyncIterator[Telephony]:
    """With the shipped rules; ``settings``: of the entry that links everybody. ``authority``: is trusted."""
    given = {"connector": connector, "password": password, "ca_file": authority.path}
    text = SETTINGS.format(settings=json.dumps(settings), **given)
    (folder / "lamplighter.yaml").write_text(text)
    clock = SystemClock()
    async with open_app(load_settings(folder / "lamplighter.yaml", {}), clock) as app:
        port = dict(app.addresses)[Transport.UDP][1]
        async with open_client(clock, f"sip:127.0.0.1:{port}", None, raw=False) as client:
            people = ["sip:1001@example.org", "sip:1002@example.org"]
            watcher = Watcher(client, clock, WatchOptions(as_json=True), people)
            watching: Awaitable[int] = app.supervisor.spawn(watcher.run(), "watch")
            yield Telephony(app, lambda: capsys.readouterr().out)
            watcher.stop()
            assert await watching == 0
