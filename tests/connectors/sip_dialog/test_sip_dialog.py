"""The SIP subscription: the conformance suite, its mapping, and what it makes of registration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from agent.cli.sip_client import new_token, spread
from agent.clock import Clock, SystemClock
from agent.sip.messages import Request
from agent.subscriptions import Subscriptions
from agent.supervise import Supervisor
from connectors.base import Context, Link
from connectors.conformance_listen import ListenConformance
from connectors.errors import Misconfigured
from connectors.facts import CallState, CallValue, Fact, ReachState, ReachValue
from connectors.privacy import Privacy
from connectors.registry import load
from connectors.sip import Dialog, Presence
from connectors.sip_dialog.connector import SipDialogConnector
from connectors.sip_dialog.mapping import calls_of, reach_of
from connectors.sip_dialog.settings import SipDialogSettings
from tests.agent.pbx_documents import (
    ASTERISK_IDLE,
    ASTERISK_IN_USE,
    ASTERISK_RINGING,
    asterisk_pidf,
    info,
)
from tests.connectors.listening import running_context
from tests.connectors.support import LOOPBACK
from tests.support.clock import MONDAY_NINE
from tests.support.notifier import Notifier, accept, notifier
from tests.support.virtual_loop import LoopClock, virtual_beside_threads

DIALOG_INFO, PIDF = "application/dialog-info+xml", "application/pidf+xml"


@dataclass
class Pbx:
    """Satisfies `connectors.conformance.Source`: answers SUBSCRIBEs and tells each subscriber what holds."""

    server: Notifier
    supervisor: Supervisor
    link: Link
    context: Context
    documents: dict[str, str] = field(default_factory=lambda: {"dialog": ASTERISK_IDLE, "presence": "Ready"})
    _version: int = 0
    _watching: dict[str, Request] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.verdict = self.verdict

    def verdict(self, request: Request) -> tuple[int, list[tuple[str, str]]]:
        leaving = request.headers.get("Expires") == "0"
        self._watching.pop(request.call_id, None)
        if not leaving:
            self._watching[request.call_id] = request
        self.supervisor.spawn(self._tell(request, "terminated;reason=timeout" if leaving else None), "tell")
        return accept(request)

    async def _tell(self, request: Request, state: str | None = None) -> None:
        event = request.headers.get("Event") or ""
        body = self.documents[event]
        self._version += 1
        if event == "dialog" and body:
            body = info(body, version=self._version)
        elif event == "presence":
            body = asterisk_pidf(body, "closed" if body == "Unavailable" else "open")
        content_type = DIALOG_INFO if event == "dialog" else PIDF
        await self.server.notify(request, body, content_type, state or "active;expires=600")

    async def says(self, event: str, what: str) -> None:
        self.documents[event] = what
        for request in tuple(self._watching.values()):
            if request.headers.get("Event") == event:
                await self._tell(request)

    async def change(self) -> None:
        await self.says("dialog", ASTERISK_IN_USE)

    async def refuse_sign_in(self) -> None:
        self.server.verdict = lambda request: (401, [])

    async def fall_silent(self) -> None:
        self.server.verdict = lambda request: (503, [])
        for request in tuple(self._watching.values()):
            await self._tell(request, "terminated;reason=probation;retry-after=30")
        self._watching.clear()

    async def talk_nonsense(self) -> None:
        for request in tuple(self._watching.values()):
            await self.server.notify(request, "<dialog-info", DIALOG_INFO)

    async def mend(self) -> None:
        self.documents["dialog"] = ASTERISK_IDLE
        self.server.verdict = self.verdict


@asynccontextmanager
async def pbx(clock: Clock | None = None, **settings: object) -> AsyncIterator[Pbx]:
    clock = clock or SystemClock()
    async with notifier(clock) as server, running_context(clock) as (supervisor, context):
        sip = Subscriptions(clock, supervisor, token=new_token, spread=spread, allow=LOOPBACK)
        address = server.uri("1001")
        link = Link("desk", "sip_dialog", "alice", {"address": address, "user": "w", **settings}, "s3cret")
        try:
            yield Pbx(server, supervisor, link, replace(context, sip=sip))
        finally:
            await sip.close()


class TestConformance(ListenConformance):
    name = "sip_dialog"
    package = "connectors.sip_dialog"

    @asynccontextmanager
    async def source(self):
        async with pbx() as source:
            yield source


@asynccontextmanager
async def listening(source: Pbx) -> AsyncIterator[list[Fact]]:
    facts: list[Fact] = []
    settings = load("sip_dialog").read_settings(source.link)
    assert isinstance(settings, SipDialogSettings)
    connector = SipDialogConnector(source.link, settings, source.context)
    task = source.supervisor.spawn(connector.listen(facts.extend), "listen")
    try:
        yield facts
    finally:
        await connector.close()
        await task


def reaches(facts: list[Fact]) -> list[ReachState]:
    return [fact.value.state for fact in facts if isinstance(fact.value, ReachValue)]


def states(facts: list[Fact]) -> list[CallState]:
    return [fact.value.state for fact in facts if isinstance(fact.value, CallValue)]


@virtual_beside_threads
async def test_calls_keep_their_beginning_and_the_far_end_is_told_only_with_details() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with pbx(clock) as source, listening(source) as facts:
        while not facts:
            await asyncio.sleep(0.1)
        await source.says("dialog", ASTERISK_RINGING)
        await source.says("dialog", ASTERISK_IN_USE)
        await asyncio.sleep(20)
        await source.says("dialog", ASTERISK_IN_USE)
        await source.says("dialog", ASTERISK_IDLE)
        assert states(facts) == ["idle", "ringing", "talking", "talking", "idle"]
        ringing, talking, still = (fact.value for fact in facts[1:4])
        assert isinstance(ringing, CallValue) and isinstance(talking, CallValue)
        assert isinstance(still, CallValue)
        assert (ringing.direction, ringing.remote) == ("in", None)
        assert still.since == talking.since
        assert facts[3].observed_at - facts[2].observed_at >= timedelta(seconds=20)
    async with pbx(clock) as source:
        source.link = replace(source.link, privacy=Privacy.DETAILS)
        async with listening(source) as facts:
            while not facts:
                await asyncio.sleep(0.1)
            await source.says("dialog", ASTERISK_RINGING)
            assert isinstance(facts[-1].value, CallValue)
            assert facts[-1].value.remote == "sip:2002@pbx.example"


@virtual_beside_threads
async def test_a_restart_of_the_pbx_does_not_make_phones_flap() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with pbx(clock, registration=True) as source, listening(source) as facts:
        while not reaches(facts):
            await asyncio.sleep(0.1)
        await source.says("presence", "Unavailable")
        await asyncio.sleep(20)
        await source.says("presence", "Ready")
        await asyncio.sleep(120)
        assert set(reaches(facts)) == {ReachState.REGISTERED}
        await source.says("presence", "Unavailable")
        gone = clock.monotonic()
        while reaches(facts)[-1] is not ReachState.OFFLINE:
            await asyncio.sleep(1)
        assert 44 <= clock.monotonic() - gone <= 47


@virtual_beside_threads
async def test_each_refresh_lets_everything_be_told_anew_so_that_a_long_call_does_not_go_stale() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with pbx(clock) as source, listening(source) as facts:
        while not facts:
            await asyncio.sleep(0.1)
        await source.says("dialog", ASTERISK_IN_USE)
        await asyncio.sleep(3600)
        talking = [fact for fact in facts if fact.value.state is CallState.TALKING]  # type: ignore[union-attr]
        moments = [fact.observed_at for fact in talking]
        assert max(b - a for a, b in pairwise(moments)) < timedelta(minutes=15)
        assert clock.now() - moments[-1] < timedelta(minutes=15)


async def test_without_a_user_agent_the_health_says_so() -> None:
    async with pbx() as source:
        context = replace(source.context, sip=None)
        settings = SipDialogSettings.model_validate(source.link.settings)
        with pytest.raises(Misconfigured):
            await SipDialogConnector(source.link, settings, context).listen(lambda facts: None)


@pytest.mark.parametrize(
    ("dialog", "state", "direction"),
    [
        (Dialog("trying", "out"), CallState.RINGING, "out"),
        (Dialog("proceeding", "out"), CallState.RINGING, "out"),
        (Dialog("early", "in"), CallState.RINGING, "in"),
        (Dialog("early"), CallState.RINGING, None),
        (Dialog("confirmed"), CallState.TALKING, None),
        (Dialog("confirmed", held=True), CallState.HELD, None),
        (Dialog("early", "in", held=True), CallState.HELD, "in"),
        (Dialog("confirmed", focus=True), CallState.CONFERENCE, None),
    ],
)
def test_what_a_dialog_is(dialog: Dialog, state: CallState, direction: str | None) -> None:
    (call,) = calls_of([dialog], MONDAY_NINE)
    assert (call.state, call.direction) == (state, direction)


def test_a_duration_says_when_it_began() -> None:
    (call,) = calls_of([Dialog("confirmed", duration=90)], MONDAY_NINE)
    assert call.began == MONDAY_NINE - timedelta(seconds=90)


@pytest.mark.parametrize(
    ("basic", "state"), [("open", ReachState.REGISTERED), ("closed", ReachState.OFFLINE), (None, None)]
)
def test_what_presence_says_of_the_phone(basic: str | None, state: ReachState | None) -> None:
    assert reach_of(Presence(basic)) is state


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://pbx"},
        {"address": "sip:"},
        {"calls": False},
        {"stale_after": "5m"},
        {"expires": "1s"},
    ],
)
def test_settings_that_make_no_sense_are_named(wrong: dict[str, object]) -> None:
    given = {"address": "1001@pbx.example", **wrong}
    with pytest.raises(Misconfigured):
        load("sip_dialog").read_settings(Link("l", "sip_dialog", "alice", given))


def test_the_scheme_may_be_left_out() -> None:
    settings = SipDialogSettings.model_validate({"address": "1001@pbx.example"})
    assert settings.address == "sip:1001@pbx.example"
