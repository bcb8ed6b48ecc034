"""One at a time, in order, with an end of the line."""

import asyncio
import random

import pytest

from agent.web.ingress.refusal import Refusal
from agent.web.ingress.turns import Turns


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Office:
    """Everybody who has had a turn, in order."""

    def __init__(self, most: int) -> None:
        self.dropped = 0
        self.turns = Turns(most, self._dropped)
        self.served: list[str] = []
        self.gate = asyncio.Event()

    def _dropped(self) -> None:
        self.dropped += 1

    def comes(self, key: str, name: str = "") -> "asyncio.Task[None]":
        async def visit() -> None:
            async with self.turns.turn(key):
                await self.gate.wait()
                self.served.append(name or key)

        return asyncio.ensure_future(visit())


async def test_first_come_first_served():
    office = Office(10)
    visits = [office.comes(str(number)) for number in range(5)]
    await settle()
    assert office.turns.waiting == 4
    office.gate.set()
    await asyncio.gather(*visits)
    assert office.served == ["0", "1", "2", "3", "4"] and office.turns.waiting == 0


async def test_when_the_line_is_full_the_oldest_of_the_same_key_has_to_go_or_the_newest():
    office = Office(2)
    at_the_desk, first, second = office.comes("x"), office.comes("a", "a1"), office.comes("b")
    newer, stranger = office.comes("a", "a2"), office.comes("c")
    await settle()
    assert office.dropped == 2
    office.gate.set()
    await asyncio.gather(at_the_desk, second, newer)
    assert office.served == ["x", "b", "a2"]
    for gone in (first, stranger):
        with pytest.raises(Refusal) as refused:
            await gone
        assert refused.value.status == 503


async def test_who_goes_away_does_not_hold_up_the_others():
    """Whoever is canceled at whatever moment: the turn is passed on."""
    for seed in range(50):
        chance, office = random.Random(seed), Office(50)
        office.gate.set()
        visits = [office.comes(str(number)) for number in range(10)]
        for _ in range(6):
            chance.choice(visits).cancel()
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        await asyncio.gather(*visits, return_exceptions=True)
        async with asyncio.timeout(5):
            await office.comes("last")
        assert office.served[-1] == "last" and office.served[:-1] == sorted(office.served[:-1], key=int)
