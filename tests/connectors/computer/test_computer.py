"""What computers report, through the connector."""

import asyncio
import json
from datetime import timedelta

import pytest

from connectors.base import Link
from connectors.computer.connector import ComputerConnector
from connectors.computer.settings import ComputerSettings
from connectors.conformance_folder import FolderConformance
from connectors.errors import BadData
from connectors.facts import ActivityState, ActivityValue
from connectors.ingress import Received
from tests.connectors.support import new_world


class TestFolder(FolderConformance):
    name = "computer"
    package = "connectors.computer"


class Desk:
    def __init__(self, world, **settings) -> None:
        self.world, self.facts = world, {}
        link = Link("computers/alice", "computer", "alice", settings)
        self.connector = ComputerConnector(link, ComputerSettings.model_validate(settings), world.context())
        self.listening = asyncio.ensure_future(self.connector.listen(self.emit))

    def emit(self, facts):
        self.facts.update({fact.source.rpartition("/")[2]: fact for fact in facts})

    async def report(self, body=None, **content):
        await asyncio.sleep(0)
        body = json.dumps(content).encode() if body is None else body
        request = Received("POST", "", (), {"content-type": "application/json"}, body, self.world.clock.now())
        return await self.connector.receive(request)

    async def close(self):
        await self.connector.close()
        await self.listening


@pytest.fixture
async def desk():
    async with new_world() as world:
        made = Desk(world)
        yield made
        await made.close()


async def test_use_becomes_a_fact_in_the_services_own_time(desk):
    assert (await desk.report(device="laptop", idle_seconds=12, every=120)).status == 204
    now = desk.world.clock.now()
    fact = desk.facts["laptop"]
    assert fact.value == ActivityValue("laptop", ActivityState.ACTIVE, now - timedelta(seconds=12))
    assert fact.valid_until == now + timedelta(seconds=360), "three heartbeats"
    await desk.report(device="laptop", idle_seconds=600, active=False)
    assert desk.facts["laptop"].value.state is ActivityState.IDLE
    await desk.report(device="laptop", idle_seconds=5, locked=True)
    assert desk.facts["laptop"].value.state is ActivityState.LOCKED


async def test_a_heartbeat_that_stays_away_is_unknown_and_not_idle(desk):
    await desk.report(device="laptop", idle_seconds=0, every=60)
    fact = desk.facts["laptop"]
    desk.world.clock.advance(179)
    assert not fact.is_stale(desk.world.clock.now())
    desk.world.clock.advance(1)
    assert fact.is_stale(desk.world.clock.now())


async def test_each_computer_is_one_of_its_own(desk):
    await desk.report(device="laptop", idle_seconds=0)
    await desk.report(device="tablet", idle_seconds=900)
    assert {name: fact.value.state for name, fact in desk.facts.items()} == {
        "laptop": ActivityState.ACTIVE,
        "tablet": ActivityState.IDLE,
    }


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"[]", "report"),
        (b'{"idle_seconds": 3}', "device"),
        (b'{"device": "a", "idle_seconds": -1}', "idle_seconds"),
        (b'{"device": "a", "idle_seconds": NaN}', "idle_seconds"),
        (b'{"device": "a/../b", "idle_seconds": "x"}', "device"),
    ],
)
async def test_nonsense_is_named_and_changes_nothing(desk, body, words):
    with pytest.raises(BadData) as raised:
        await desk.report(body=body)
    assert words in raised.value.what
    assert desk.facts == {}


async def test_no_more_computers_than_a_person_has():
    async with new_world() as world:
        desk = Desk(world, most=2)
        for name in ("a", "b", "a"):
            await desk.report(device=name, idle_seconds=0)
        with pytest.raises(BadData, match="an administrator can allow more"):
            await desk.report(device="c", idle_seconds=0)
        await desk.close()
