"""A phone's requests through the runner."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base import Link
from connectors.conformance_folder import FolderConformance
from connectors.errors import BadData
from connectors.facts import ActivityValue, CallState, CallValue, ReachState, ReachValue
from connectors.ingress import Received
from connectors.phone.connector import PhoneConnector
from connectors.phone.settings import PhoneSettings
from connectors.privacy import Privacy
from tests.connectors.support import new_world


class TestFolder(FolderConformance):
    name = "phone"
    package = "connectors.phone"


class Phone:
    """One phone, and what becomes of its requests."""

    def __init__(
        self, world, *, privacy: Privacy = Privacy.BUSY, answer: str = "You are shown as lunch.", **settings
    ):
        self.world, self.said, self.facts = world, [], {}
        link = Link("phones/alice", "phone", "alice", settings, privacy=privacy)

        async def command(person: str, text: str) -> str:
            self.said.append((person, text))
            return answer

        context = replace(world.context(), command=command)
        self.connector = PhoneConnector(link, PhoneSettings.model_validate(settings), context)
        self.listening = asyncio.ensure_future(self.connector.listen(self.emit))

    def emit(self, facts):
        self.facts.update({fact.source.rpartition("/")[2]: fact for fact in facts})

    async def calls(self, path: str, **query: str):
        await asyncio.sleep(0)  # it listens
        at = self.world.clock.now()
        return await self.connector.receive(Received("GET", path, tuple(query.items()), {}, b"", at))

    async def close(self):
        await self.connector.close()
        await self.listening


@pytest.fixture
async def phone():
    async with new_world() as world:
        made = Phone(world)
        yield made
        await made.close()


async def test_a_call_becomes_facts(phone):
    assert (await phone.calls("incoming", cid="1", remote="2002")).status == 200
    began = phone.world.clock.now()
    fact = phone.facts["calls"]
    assert fact.value == CallValue(CallState.RINGING, began, "in", None, "desk phone"), "with whom is private"
    phone.world.clock.advance(10)
    await phone.calls("established", cid="1")
    fact = phone.facts["calls"]
    assert (fact.value.state, fact.value.since) == (CallState.TALKING, began + timedelta(seconds=10))
    assert fact.valid_until == phone.world.clock.now() + timedelta(hours=4), "its end may be lost"
    await phone.calls("terminated", cid="1")
    assert phone.facts["calls"].value.state is CallState.IDLE


async def test_who_is_at_the_far_end_only_where_that_may_be_known():
    async with new_world() as world:
        phone = Phone(world, privacy=Privacy.DETAILS)
        await phone.calls("incoming", remote="sip:2002@pbx.test")
        assert phone.facts["calls"].value.remote == "2002"
        await phone.close()


async def test_somebody_is_at_the_phone(phone):
    await phone.calls("incoming")
    assert "input" not in phone.facts, "who is called need not be there"
    await phone.calls("offhook")
    assert phone.facts["input"].value == ActivityValue("desk phone", "active", phone.world.clock.now())
    assert phone.facts["calls"].value.state is CallState.RINGING


async def test_registration(phone):
    await phone.calls("unregistered")
    assert phone.facts["registration"].value == ReachValue("desk phone", ReachState.OFFLINE)
    assert "calls" not in phone.facts, "of calls nothing was said: unknown, not idle"


async def test_the_phones_own_key_chooses_a_state_and_takes_it_back(phone):
    await phone.calls("dnd_on")
    await phone.calls("dnd_off")
    assert phone.said == [("alice", "dnd"), ("alice", "auto")]


async def test_a_key_is_answered_with_what_is_shown_now():
    async with new_world() as world:
        phone = Phone(world, vendor="snom", dnd_state=None)
        await phone.calls("dnd_on")
        assert phone.said == []
        reply = await phone.calls("choose", text="lunch 45m")
        assert phone.said == [("alice", "lunch 45m")]
        assert (reply.content_type, b"You are shown as lunch." in reply.body) == ("text/xml", True)
        await phone.close()


async def test_nonsense_is_answered_with_what_was_expected_and_changes_nothing(phone):
    await phone.calls("incoming")
    with pytest.raises(BadData, match="there are: incoming, outgoing"):
        await phone.calls("teatime")
    assert phone.facts["calls"].value.state is CallState.RINGING
