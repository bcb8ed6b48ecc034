"""Codes that are good once."""

import json

import pytest

from agent.store.store import Store
from agent.web.ingress.enrollment import GOOD_FOR, GUESSES, Enrollment
from agent.web.ingress.tokens import IngressTokens, TokenProblem
from connectors.errors import BadData
from connectors.ingress import Received
from tests.support.clock import VirtualClock


class Desk:
    def __init__(self, enrollment: Enrollment, tokens: IngressTokens, clock: VirtualClock) -> None:
        self.enrollment, self.tokens, self.clock = enrollment, tokens, clock

    async def redeem(self, code: object, device: str = "laptop") -> tuple[int, dict]:
        body = json.dumps({"code": code, "device": device}).encode()
        reply = await self.enrollment.receive(Received("POST", "", (), {}, body, self.clock.now()))
        return reply.status, json.loads(reply.body)

    def code(self) -> str:
        return self.enrollment.begin("computers", "alice")["code"]


@pytest.fixture
async def desk():
    clock = VirtualClock()
    store = await Store.open("memory:", clock)
    tokens = IngressTokens(store, clock, lambda: {"computers"}, lambda: {"alice"})
    yield Desk(Enrollment(tokens, clock), tokens, clock)
    await store.close()


async def test_a_code_becomes_a_token_of_that_person_once(desk):
    code = desk.code()
    status, made = await desk.redeem(f" {code.lower().replace('-', ' ')} ")
    assert status == 200
    row = desk.tokens.find(made["token"])
    assert (row.entry, row.person, row.note) == ("computers", "alice", "computer laptop")
    assert (await desk.redeem(code))[0] == 401


async def test_a_code_ends(desk):
    code = desk.code()
    desk.clock.advance(GOOD_FOR)
    assert (await desk.redeem(code))[0] == 401
    assert desk.tokens.listing() == []


async def test_guessing_voids_all_codes(desk):
    code = desk.code()
    for number in range(GUESSES):
        assert (await desk.redeem(f"AAAA-{number:04}"))[0] == 401
    assert (await desk.redeem(code))[0] == 401
    assert (await desk.redeem(desk.code()))[0] == 200, "a new one is good again"


async def test_only_for_people_and_entries_that_there_are(desk):
    for entry, person in (("computers", "mallory"), ("nothing", "alice")):
        with pytest.raises(TokenProblem):
            desk.enrollment.begin(entry, person)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"code": "A"}', b"\xff"])
async def test_nonsense_says_what_was_expected(desk, body):
    with pytest.raises(BadData, match="expected"):
        await desk.enrollment.receive(Received("POST", "", (), {}, body, desk.clock.now()))
