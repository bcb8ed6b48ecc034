"""The whole service: facts in, exactly one NOTIFY a change out, and what is broken changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.app import App, open_app
from agent.clock import SystemClock
from agent.errors import UserError
from agent.net.resolver import Resolver
from agent.net.user_agent import UserAgent
from agent.settings import load_settings
from agent.sip.flows import Flow
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response, response_to
from connectors.facts import CalendarEvent, CalendarValue, Fact, Shows

SETTINGS = """
domains: [example.org]
rules: rules.yaml
authentication: "off"
listeners:
  - {transport: udp, host: 127.0.0.1, port: 0}
http: {enabled: false}
store: {url: "sqlite:///state.db"}
people:
  alice: {sip: "sip:alice@example.org", name: Alice}
"""
RULES = """
version: 1
states:
  dnd: {basic: closed, activities: [busy], lamp: lit}
rules:
  - name: meeting means DND
    when: {calendar: {shows: busy}}
    then: {state: dnd, note: "until {calendar.ends:%H:%M}"}
"""


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[App]:
    (folder / "rules.yaml").write_text(RULES)
    (folder / "lamplighter.yaml").write_text(SETTINGS)
    async with open_app(load_settings(folder / "lamplighter.yaml", {}), SystemClock()) as app:
        yield app


class Watcher:
    """A subscriber over real UDP that keeps every NOTIFY."""

    def __init__(self, agent: UserAgent) -> None:
        self.agent = agent
        self.notifies: asyncio.Queue[Request] = asyncio.Queue()
        agent.on_request(self._on_request)

    def _on_request(self, request: Request, flow: Flow) -> Response:
        self.notifies.put_nowait(request)
        return response_to(request.headers, 200)

    async def subscribe(self, app: App) -> None:
        host, port = app.addresses[0][1]
        headers = Headers(
            [
                ("From", "<sip:bob@example.org>;tag=b"),
                ("To", "<sip:alice@example.org>"),
                ("Call-ID", "watch"),
                ("CSeq", "1 SUBSCRIBE"),
                ("Contact", self.agent.contact(app.addresses[0][0], "bob")),
                ("Event", "presence"),
                ("Expires", "600"),
            ]
        )
        request = Request("SUBSCRIBE", "sip:alice@example.org", headers)
        answer = await self.agent.request(request, next_hop=f"sip:{host}:{port}")
        assert answer.status == 200

    async def told(self) -> str:
        async with asyncio.timeout(10):
            return (await self.notifies.get()).body.decode()


@asynccontextmanager
async def watching(app: App) -> AsyncIterator[Watcher]:
    async with UserAgent.open(SystemClock(), Resolver()) as agent:
        watcher = Watcher(agent)
        await watcher.subscribe(app)
        yield watcher


def calendar(*events: tuple[datetime, datetime]) -> Fact:
    now = SystemClock().now()
    value = CalendarValue(
        tuple(CalendarEvent(start, end, Shows.BUSY) for start, end in events),
        now - timedelta(hours=1),
        now + timedelta(hours=48),
        "work",
    )
    return Fact("alice", "test:alice", value, now, now + timedelta(hours=4))


async def until(app: App, state: str) -> None:
    async with asyncio.timeout(10):
        while (current := app.decider.current("alice")) is None or current.decision.state != state:
            await asyncio.sleep(0.005)


async def test_one_notify_when_a_meeting_begins_and_one_when_it_ends(tmp_path: Path) -> None:
    async with service(tmp_path) as app:
        await until(app, "unknown")
        now = SystemClock().now()
        begins, ends = now + timedelta(seconds=0.7), now + timedelta(seconds=1.2)
        app.decider.take([calendar((begins, ends))])
        await until(app, "available")
        async with watching(app) as watcher:
            first = await watcher.told()
            while "<basic>open</basic>" not in first:
                first = await watcher.told()
            assert "timed-status" in first
            busy, free = await watcher.told(), await watcher.told()
            assert "<basic>closed</basic>" in busy and "<rpid:busy/>" in busy
            assert "<basic>open</basic>" in free and "until" not in free.replace("ll:until", "")
            await asyncio.sleep(0.2)
            assert watcher.notifies.empty()


async def test_a_broken_rules_file_changes_nothing_and_names_the_place(tmp_path: Path) -> None:
    async with service(tmp_path) as app:
        now = SystemClock().now()
        app.decider.take([calendar((now - timedelta(minutes=5), now + timedelta(minutes=5)))])
        await until(app, "dnd")
        (tmp_path / "rules.yaml").write_text(RULES.replace("shows: busy", "shoes: busy"))
        problems = (await app.reload()).problems
        assert len(problems) == 1 and "rules.yaml:7:" in problems[0] and "shows" in problems[0]
        await asyncio.sleep(0.05)
        current = app.decider.current("alice")
        assert current is not None and current.decision.state == "dnd"
        (tmp_path / "rules.yaml").write_text(
            RULES.replace("state: dnd", "state: busy").replace("dnd:", "busy:")
        )
        assert (await app.reload()).problems == ()
        await until(app, "busy")


async def test_a_restart_goes_on_with_the_subscription_and_leaves_one_publication(tmp_path: Path) -> None:
    async with UserAgent.open(SystemClock(), Resolver()) as agent:
        watcher = Watcher(agent)
        async with service(tmp_path) as app:
            port = app.addresses[0][1][1]
            await until(app, "unknown")
            await watcher.subscribe(app)
            sequence = [(await _next(watcher)).cseq.number]
        settings = SETTINGS.replace("port: 0", f"port: {port}", 1)
        (tmp_path / "lamplighter.yaml").write_text(settings)
        async with open_app(load_settings(tmp_path / "lamplighter.yaml", {}), SystemClock()) as app:
            sequence.append((await _next(watcher)).cseq.number)
            await until(app, "unknown")
            await asyncio.sleep(0.1)
            assert len(app.store.all_publications()) == 1
        assert sequence == sorted(set(sequence))


async def _next(watcher: Watcher) -> Request:
    async with asyncio.timeout(10):
        return await watcher.notifies.get()


async def test_rules_that_are_wrong_at_the_start_are_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("version: 1\nrools: []\nrules: [{name: a, then: {stat: b}}]\n")
    (tmp_path / "lamplighter.yaml").write_text(SETTINGS)
    settings = load_settings(tmp_path / "lamplighter.yaml", {})
    with pytest.raises(UserError) as told:
        async with open_app(settings, SystemClock()):
            raise AssertionError("it must not start")
    assert len(told.value.problems) >= 2
    assert all("rules.yaml:" in problem for problem in told.value.problems)


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    async with service(tmp_path) as app:
        port = app.addresses[0][1][1]
        other = tmp_path / "other"
        other.mkdir()
        (other / "rules.yaml").write_text(RULES)
        (other / "lamplighter.yaml").write_text(SETTINGS.replace("port: 0", f"port: {port}", 1))
        with pytest.raises(UserError, match=f"127.0.0.1:{port}"):
            async with open_app(load_settings(other / "lamplighter.yaml", {}), SystemClock()):
                raise AssertionError("it must not start")


async def test_watchers_are_told_the_time_zone_only_of_who_wants_that(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    shown = SETTINGS.replace("name: Alice}", "name: Alice, timezone: Asia/Kolkata, show_time_zone: true}")
    for settings, expected in ((SETTINGS, False), (shown, True)):
        (tmp_path / "lamplighter.yaml").write_text(settings.replace('"sqlite:///state.db"', '"memory:"'))
        async with open_app(load_settings(tmp_path / "lamplighter.yaml", {}), SystemClock()) as app:
            await until(app, "unknown")
            async with watching(app) as watcher:
                body = await watcher.told()
                while "rpid:unknown" not in body:
                    body = await watcher.told()
                assert ("<rpid:time-offset" in body) is expected
                assert (">330</rpid:time-offset>" in body) is expected
