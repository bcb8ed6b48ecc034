"""The connector with its hub at a stand-in manager: the conformance suite, and what is special."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.clock import Clock, SystemClock
from connectors.base import Context, Entry, Link
from connectors.conformance_listen import ListenConformance
from connectors.errors import Misconfigured, NotFound, Refused, Unreachable
from connectors.facts import CallState, CallValue, ReachState
from connectors.privacy import Privacy
from connectors.registry import load
from tests.connectors.asterisk.ami import SECRET, Manager, channel, device, extension, manager
from tests.connectors.listening import calls, error_of, hub_of, listening, reaches, running_context
from tests.support.virtual_loop import LoopClock, virtual_beside_threads

HERE = {"host": "127.0.0.1", "ping_after": "1s"}


@dataclass
class Pbx:
    """Satisfies `connectors.conformance.Source`."""

    manager: Manager
    context: Context
    settings: dict[str, Any]
    link: Link = field(init=False)

    def __post_init__(self) -> None:
        self.link = self.link_to("alice", "1001")

    def link_to(self, person: str, exten: str, **more: Any) -> Link:
        entry = Entry("pbx", self.settings, SECRET)
        given = {**self.settings, "extension": exten, **more}
        return Link(f"pbx/{person}", "asterisk", person, given, SECRET, entry=entry)

    async def change(self) -> None:
        self.manager.say(channel("Newchannel", "1001", "4", "17.1"))

    async def refuse_sign_in(self) -> None:
        self.manager.secret = "another"

    async def fall_silent(self) -> None:
        self.manager.silent = True

    async def talk_nonsense(self) -> None:
        self.manager.send(b"\0" * (1 << 19))

    async def mend(self) -> None:
        self.manager.secret, self.manager.silent = SECRET, False
        await self.manager.drop()


@asynccontextmanager
async def pbx(clock: Clock | None = None, **settings: Any) -> AsyncIterator[Pbx]:
    clock = clock or SystemClock()
    async with manager() as stand_in, running_context(clock) as (_, context):
        yield Pbx(stand_in, context, {**HERE, "port": stand_in.port, **settings})


class TestConformance(ListenConformance):
    name = "asterisk"
    package = "connectors.asterisk"

    @asynccontextmanager
    async def source(self):
        async with pbx() as source:
            yield source


async def test_one_connection_serves_all_and_each_hears_only_of_its_own_phone() -> None:
    async with pbx() as source, hub_of(source.link, source.context) as (hub, _):
        source.manager.extensions = [extension("1001", 0), extension("1002", 0)]
        source.manager.devices += [device("PJSIP/1002", "NOT_INUSE")]
        async with (
            listening(source.link_to("alice", "1001"), source.context, hub) as alice,
            listening(source.link_to("bob", "1002@internal"), source.context, hub) as bob,
        ):
            await alice.until(lambda: calls(alice))
            await bob.until(lambda: calls(bob))
            before = len(bob.facts)
            source.manager.say(channel("Newchannel", "1001", "4", "17.1"))
            await alice.until(lambda: calls(alice)[-1] is CallState.RINGING)
            assert len(bob.facts) == before
        assert source.manager.masks == ["call,user"]


async def test_an_extension_in_several_contexts_has_to_be_told_apart() -> None:
    async with pbx() as source, hub_of(source.link, source.context) as (hub, _):
        source.manager.extensions.append(extension("1001", 4, context="demo"))
        link = source.link_to("alice", "1001@internal")
        async with listening(link, source.context, hub) as told:
            await told.until(lambda: calls(told))
    async with pbx(context="internal") as source, hub_of(source.link, source.context) as (hub, _):
        source.manager.extensions.append(extension("1001", 4, context="demo"))
        async with listening(source.link, source.context, hub) as told:
            await told.until(lambda: calls(told))


@virtual_beside_threads
async def test_what_is_not_there_or_not_clear_is_told_once_asterisk_has_had_time_to_start() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with pbx(clock) as source, hub_of(source.link, source.context) as (hub, _):
        source.manager.extensions.append(extension("1001", 4, context="demo"))
        began = clock.monotonic()
        async with (
            listening(source.link, source.context, hub) as unclear,
            listening(source.link_to("bob", "4711"), source.context, hub) as missing,
            listening(source.link_to("carol", "4712", phone="PJSIP/1001"), source.context, hub) as named,
        ):
            error = await error_of(unclear)
            assert isinstance(error, Misconfigured)
            assert "demo, internal" in error.words
            assert isinstance(await error_of(missing), NotFound)
            assert 15 <= clock.monotonic() - began <= 20
            assert calls(named)[-1] is CallState.IDLE


@virtual_beside_threads
async def test_snapshots_renew_what_is_known_and_heal_a_lost_event() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with (
        pbx(clock, ping_after="30s") as source,
        hub_of(source.link, source.context) as (hub, _),
        listening(source.link, source.context, hub) as told,
    ):
        await told.until(lambda: calls(told))
        source.manager.say(channel("Newchannel", "1001", "4", "17.1"))
        await told.until(lambda: calls(told)[-1] is CallState.RINGING)
        await asyncio.sleep(61)
        assert calls(told)[-1] is CallState.IDLE
        assert source.manager.snapshots >= 2
        moments = [fact.observed_at for fact in told.facts if isinstance(fact.value, CallValue)]
        await asyncio.sleep(600)
        assert (clock.now() - told.facts[-1].observed_at).total_seconds() < 70
        assert moments == sorted(moments)


@virtual_beside_threads
async def test_a_frozen_asterisk_is_noticed_within_seconds() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with pbx(clock, ping_after="5s") as source, hub_of(source.link, source.context) as (_, connected):
        await asyncio.sleep(12)
        assert connected.error is None
        source.manager.silent = True
        frozen = clock.monotonic()
        assert isinstance(await error_of(connected), Unreachable)
        assert clock.monotonic() - frozen <= 11


@virtual_beside_threads
async def test_phones_that_come_back_after_a_restart_have_not_been_offline() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    async with pbx(clock, ping_after="30s") as source:
        links = (source.link, source.link_to("bob", "1002"))
        source.manager.extensions = [extension("1001", 0), extension("1002", 0)]
        source.manager.devices = [device("PJSIP/1001", "NOT_INUSE"), device("PJSIP/1002", "NOT_INUSE")]
        async with (
            hub_of(source.link, source.context) as (hub, _),
            listening(links[0], source.context, hub) as alice,
        ):
            await alice.until(lambda: reaches(alice))
            source.manager.say(device("PJSIP/1001", "UNAVAILABLE"))
            source.manager.say(extension("1001", 4))
            await asyncio.sleep(30)
            source.manager.say(extension("1001", 0))
            source.manager.say(device("PJSIP/1001", "NOT_INUSE"))
            await asyncio.sleep(30)
            assert set(reaches(alice)) == {ReachState.REGISTERED}
            source.manager.devices = [device("PJSIP/1001", "UNAVAILABLE")]
            source.manager.say(device("PJSIP/1001", "UNAVAILABLE"))
            await asyncio.sleep(50)
            assert reaches(alice)[-1] is ReachState.OFFLINE


async def test_who_is_at_the_other_end_is_known_only_with_details() -> None:
    async with pbx() as source, hub_of(source.link, source.context) as (hub, _):
        plain, open_ = source.link_to("alice", "1001"), source.link_to("bob", "1001")
        async with (
            listening(plain, source.context, hub) as alice,
            listening(replace(open_, privacy=Privacy.DETAILS), source.context, hub) as bob,
        ):
            await alice.until(lambda: calls(alice))
            await bob.until(lambda: calls(bob))
            source.manager.say(channel("Newchannel", "1001", "4", "17.1", ConnectedLineNum="4711"))
            await alice.until(lambda: calls(alice)[-1] is CallState.RINGING)
            await bob.until(lambda: calls(bob)[-1] is CallState.RINGING)
            assert "4711" not in repr(alice.facts)
            assert "4711" in repr(bob.facts)


async def test_a_dialled_code_is_a_command_of_the_phones_person() -> None:
    said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def command(person: str, text: str, /) -> str:
        said.put_nowait((person, text))
        return "You are shown as dnd."

    async with pbx(codes={"*78": "dnd", "*45.": "lunch {digits}m"}) as source:
        source.context = replace(source.context, command=command)
        async with (
            hub_of(source.link, source.context) as (hub, _),
            listening(source.link, source.context, hub) as alice,
        ):
            await alice.until(lambda: calls(alice))
            source.manager.say(channel("Newchannel", "1001", "4", "17.1", Exten="*4530"))
            assert await said.get() == ("alice", "lunch 30m")
            source.manager.say(
                {"Event": "UserEvent", "UserEvent": "Lamplighter", "Channel": "PJSIP/1001-01", "Text": "auto"}
            )
            assert await said.get() == ("alice", "auto")
            source.manager.say(channel("Newchannel", "1003", "4", "17.2", Exten="*78"))
            source.manager.say(channel("Newchannel", "1001", "4", "17.3", Exten="*78"))
            assert await said.get() == ("alice", "dnd")


@pytest.mark.parametrize("wrong", [{"host": ""}, {"stale_after": "30s"}, {"extension": "10 01"}, {"port": 0}])
def test_settings_that_make_no_sense_are_named(wrong: dict[str, Any]) -> None:
    given = {"host": "pbx", "extension": "1001", **wrong}
    with pytest.raises(Misconfigured) as error:
        load("asterisk").read_settings(Link("l", "asterisk", "alice", given))
    assert next(iter(wrong)) in error.value.words


def test_what_a_pbx_says_is_surer_and_ages_faster_than_what_others_say() -> None:
    given = {"extension": "1001", "host": "pbx"}
    for name in ("asterisk", "freeswitch"):
        settings = load(name).read_settings(Link("l", name, "alice", given))
        assert (settings.confidence, settings.stale_after.total_seconds()) == (0.9, 180)


async def test_without_a_secret_the_health_says_so() -> None:
    async with pbx() as source:
        source.link = replace(source.link, entry=Entry("pbx", source.settings, None))
        async with hub_of(source.link, source.context) as (_, connected):
            assert isinstance(await error_of(connected), Misconfigured)


async def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    async with pbx() as source:
        source.link = replace(
            source.link, entry=Entry("pbx", {**source.settings, "host": "10.1.2.3"}, SECRET)
        )
        async with hub_of(source.link, source.context) as (_, connected):
            assert isinstance(await error_of(connected), Refused)


async def test_nobody_there_is_unreachable() -> None:
    async with pbx() as source:
        source.link = replace(source.link, entry=Entry("pbx", {**source.settings, "port": 1}, SECRET))
        async with hub_of(source.link, source.context) as (_, connected):
            assert "cannot be reached" in (await error_of(connected)).words


def test_an_entry_may_say_what_each_link_is() -> None:
    entry = Entry("pbx", {"host": "pbx", "extension": "{sip.user}", "offline_after": "1m"}, SECRET)
    assert load("asterisk").read_hub_settings(entry)
    with pytest.raises(Misconfigured) as error:
        load("asterisk").read_hub_settings(replace(entry, settings={"host": "pbx", "extention": "1"}))
    assert "extention" in error.value.words
