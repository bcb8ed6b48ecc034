"""The connector with its hub at a stand-in event socket: the conformance suite, and what is special."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.clock import Clock, SystemClock
from connectors.base import Context, Entry, Link
from connectors.conformance_listen import ListenConformance
from connectors.errors import Forbidden, Misconfigured, Unreachable
from connectors.facts import CallState, ReachState
from connectors.registry import load
from tests.connectors.freeswitch.esl import (
    DOMAIN,
    PASSWORD,
    EventSocket,
    callstate,
    event,
    event_socket,
    of_channel,
    register,
)
from tests.connectors.listening import calls, error_of, hub_of, listening, reaches, running_context
from tests.support.virtual_loop import LoopClock, virtual_beside_threads


@dataclass
class Switch:
    """Satisfies `connectors.conformance.Source`."""

    socket: EventSocket
    context: Context
    settings: dict[str, Any]
    password: str = PASSWORD
    link: Link = field(init=False)

    def __post_init__(self) -> None:
        self.link = self.link_to("alice", f"1001@{DOMAIN}")

    def link_to(self, person: str, extension: str) -> Link:
        entry = Entry("pbx", self.settings, self.password)
        given = {**self.settings, "extension": extension}
        return Link(f"pbx/{person}", "freeswitch", person, given, self.password, entry=entry)

    async def change(self) -> None:
        self.socket.say(callstate("1001", "ACTIVE", "a"))

    async def refuse_sign_in(self) -> None:
        self.socket.password = "another"

    async def fall_silent(self) -> None:
        self.socket.silent = True

    async def talk_nonsense(self) -> None:
        self.socket.send(b"HTTP/1.1 200 OK\r\n")

    async def mend(self) -> None:
        self.socket.password, self.socket.silent = PASSWORD, False
        await self.socket.drop()


@asynccontextmanager
async def switch(clock: Clock | None = None, **settings: Any) -> AsyncIterator[Switch]:
    clock = clock or SystemClock()
    async with event_socket() as stand_in, running_context(clock) as (_, context):
        given = {"host": "127.0.0.1", "port": stand_in.port, "ping_after": "1s", **settings}
        yield Switch(stand_in, context, given)


class TestConformance(ListenConformance):
    name = "freeswitch"
    package = "connectors.freeswitch"

    @asynccontextmanager
    async def source(self):
        async with switch() as source:
            yield source


async def test_one_connection_serves_all_and_asks_for_what_it_needs() -> None:
    async with (
        switch() as source,
        hub_of(source.link, source.context) as (hub, _),
        listening(source.link, source.context, hub) as alice,
        listening(source.link_to("bob", "1002"), source.context, hub) as bob,
    ):
        await alice.until(lambda: reaches(alice))
        await bob.until(lambda: calls(bob))
        before = len(bob.facts)
        source.socket.say(callstate("1001", "RINGING", "a"))
        await alice.until(lambda: calls(alice)[-1] is CallState.RINGING)
        assert len(bob.facts) == before
        assert source.socket.asked[0] == f"auth {PASSWORD}"
        assert source.socket.asked[2:4] == [
            "api show channels as json",
            "api sofia status profile internal reg",
        ]


@virtual_beside_threads
async def test_a_frozen_switch_is_noticed_and_a_heartbeat_is_a_sign_of_life() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with (
        switch(clock, ping_after="10s") as source,
        hub_of(source.link, source.context) as (_, connected),
    ):
        await asyncio.sleep(1)
        for _ in range(5):
            await asyncio.sleep(8)
            source.socket.say(event("HEARTBEAT", Event_Info="System Ready"))
        assert not any("uptime" in command for command in source.socket.asked)
        source.socket.silent = True
        frozen = clock.monotonic()
        assert isinstance(await error_of(connected), Unreachable)
        assert clock.monotonic() - frozen <= 21


@virtual_beside_threads
async def test_snapshots_heal_a_lost_hangup() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with (
        switch(clock, ping_after="30s") as source,
        hub_of(source.link, source.context) as (hub, _),
        listening(source.link, source.context, hub) as told,
    ):
        await told.until(lambda: calls(told))
        source.socket.say(callstate("1001", "ACTIVE", "a"))
        await told.until(lambda: calls(told)[-1] is CallState.TALKING)
        await asyncio.sleep(61)
        assert calls(told)[-1] is CallState.IDLE


@virtual_beside_threads
async def test_a_phone_that_comes_back_in_time_has_not_been_offline() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with (
        switch(clock, ping_after="30s", snapshot_interval="150s") as source,
        hub_of(source.link, source.context) as (hub, _),
        listening(source.link, source.context, hub) as told,
    ):
        await told.until(lambda: reaches(told))
        source.socket.say(register("1001", "sofia::expire"))
        await asyncio.sleep(30)
        source.socket.say(register("1001"))
        await asyncio.sleep(30)
        assert set(reaches(told)) == {ReachState.REGISTERED}
        source.socket.say(register("1001", "sofia::unregister"))
        await asyncio.sleep(46)
        assert reaches(told)[-1] is ReachState.OFFLINE


async def test_a_number_of_several_tenants_has_to_be_told_apart() -> None:
    async with (
        switch() as source,
        hub_of(source.link, source.context) as (hub, _),
        listening(source.link_to("bob", "1001"), source.context, hub) as told,
    ):
        # The realm is another domain of the same phone.
        error = await error_of(told)
        assert isinstance(error, Misconfigured)
        assert "several domains" in error.words


async def test_the_domain_of_the_entry_says_whose_number_is_meant() -> None:
    async with (
        switch(domain=DOMAIN) as source,
        hub_of(source.link, source.context) as (hub, _),
        listening(source.link_to("bob", "1001"), source.context, hub) as told,
    ):
        await told.until(lambda: reaches(told) == [ReachState.REGISTERED])


async def test_a_rejection_by_address_is_told() -> None:
    async with switch() as source:
        source.socket.rude = True
        async with hub_of(source.link, source.context) as (_, connected):
            error = await error_of(connected)
            assert isinstance(error, Forbidden)
            assert "acl" in error.words


async def test_a_notice_of_disconnection_ends_it() -> None:
    async with switch() as source, hub_of(source.link, source.context) as (_, connected):
        await connected.until(lambda: connected.heard)
        said = b"Disconnected, goodbye.\n"
        source.socket.send(
            b"Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%s" % (len(said), said)
        )
        assert "ended the connection" in (await error_of(connected)).words


async def test_the_default_password_is_warned_of_without_telling_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with switch() as source:
        source.password = source.socket.password = "ClueCon"
        link = source.link_to("alice", f"1001@{DOMAIN}")
        with caplog.at_level(logging.WARNING):
            async with hub_of(link, source.context) as (_, connected):
                await connected.until(lambda: connected.heard)
    assert "default password" in caplog.text
    assert "ClueCon" not in caplog.text


async def test_a_dialled_code_is_a_command_of_the_phones_person() -> None:
    said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def command(person: str, text: str, /) -> str:
        said.put_nowait((person, text))
        return "You are shown as dnd."

    async with switch(codes={"*78": "dnd"}) as source:
        source.context = replace(source.context, command=command)
        async with (
            hub_of(source.link, source.context) as (hub, _),
            listening(source.link, source.context, hub) as alice,
        ):
            await alice.until(lambda: calls(alice))
            dialled = of_channel("CHANNEL_CREATE", "1001", "a", "DOWN", Caller_Destination_Number="*78")
            source.socket.say(dialled)
            assert await said.get() == ("alice", "dnd")


@pytest.mark.parametrize("wrong", [{"profiles": ["a b"]}, {"stale_after": "30s"}, {"port": 0}])
def test_settings_that_make_no_sense_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as error:
        load("freeswitch").read_settings(Link("l", "freeswitch", "alice", {"extension": "1001", **wrong}))
    assert next(iter(wrong)) in error.value.words
