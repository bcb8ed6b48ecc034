"""Several links share one request: who asks, for whom, and what becomes of failures."""

import asyncio

import pytest

from connectors.batching import Batcher
from connectors.errors import BadData, NotFound, Unreachable
from tests.support.clock import VirtualClock


class Source:
    """Answers with how often it was asked; keeps who was asked for."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []
        self.wrong: dict[str, Exception] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, accounts: list[str]):
        self.rounds.append(accounts)
        number = len(self.rounds)
        await self.gate.wait()
        if "*" in self.wrong:
            raise self.wrong["*"]
        if accounts[0] in self.wrong and len(accounts) > 1:
            raise self.wrong[accounts[0]]
        return {account: self.wrong.get(account, f"{account}{number}") for account in accounts}


class Desk:
    def __init__(self, most: int = 3, accounts: str = "abcde", interval: float = 60.0) -> None:
        self.clock, self.source = VirtualClock(), Source()
        self.batcher = Batcher(self.source, most=most, clock=self.clock)
        for account in accounts:
            self.batcher.join(account, interval)

    async def answer(self, account: str, **given) -> str:
        answer, _ = await self.batcher.get(account, **given)
        return answer


async def test_one_that_is_due_asks_for_the_longest_unasked_too():
    desk = Desk()
    assert [await desk.answer(account) for account in "abcde"] == ["a1", "b2", "c2", "d1", "e1"]
    assert sorted(desk.source.rounds[0]) == ["a", "d", "e"] and sorted(desk.source.rounds[1]) == ["b", "c"]


async def test_an_answer_is_handed_on_once_with_the_time_at_which_it_was_given():
    desk = Desk(accounts="ab")
    then = desk.clock.now()
    await desk.answer("a")
    desk.clock.advance(20)
    assert await desk.batcher.get("b") == ("b1", then)
    assert await desk.answer("b") == "b2"


async def test_an_answer_older_than_an_interval_is_asked_for_again():
    desk = Desk(accounts="ab")
    await desk.answer("a")
    desk.clock.advance(61)
    assert await desk.answer("b") == "b2"


async def test_nobody_is_asked_for_twice_within_half_an_interval():
    desk = Desk(accounts="ab")
    await desk.answer("a")
    desk.clock.advance(29)
    assert await desk.answer("a") == "a2" and desk.source.rounds[1] == ["a"]


@pytest.mark.parametrize("pace", [60, 300])
@pytest.mark.parametrize(("links", "most"), [(100, 20), (41, 20), (7, 3)])
async def test_in_the_steady_state_a_round_of_polls_costs_few_requests_at_night_too(links, most, pace):
    names = [str(number) for number in range(links)]
    desk = Desk(most=most, accounts=names)
    for number in range(5):
        desk.source.rounds.clear()
        for name in names:
            desk.clock.advance(pace / links)
            await desk.answer(name)
        # How seldom it is asked is only known after a round.
        assert number < 2 or len(desk.source.rounds) <= 2 * links / most + 2


async def test_afresh_means_asked_now():
    desk = Desk(accounts="ab")
    await desk.answer("a")
    assert await desk.answer("b", fresh=True) == "b2"


async def test_who_is_part_of_a_request_under_way_waits_for_it():
    desk = Desk(accounts="ab")
    desk.source.gate.clear()
    both = asyncio.gather(desk.answer("a"), desk.answer("b"))
    await asyncio.sleep(0)
    desk.source.gate.set()
    assert await both == ["a1", "b1"] and len(desk.source.rounds) == 1


async def test_trouble_of_one_account_is_its_own():
    desk = Desk(accounts="ab")
    desk.source.wrong["b"] = NotFound("no such mailbox")
    assert await desk.answer("a") == "a1"
    with pytest.raises(NotFound, match="no such mailbox"):
        await desk.answer("b")


async def test_what_concerns_the_asker_does_not_stop_those_who_waited_with_it():
    desk = Desk(accounts="ab")
    desk.source.wrong["a"] = NotFound("no such mailbox")
    desk.source.gate.clear()
    both = asyncio.gather(desk.answer("a"), desk.answer("b"), return_exceptions=True)
    await asyncio.sleep(0)
    desk.source.gate.set()
    wrong, right = await both
    assert isinstance(wrong, NotFound) and right == "b2"
    assert desk.source.rounds[1][0] == "b"


async def test_a_source_that_is_away_is_not_asked_again_by_everybody_who_waited():
    desk = Desk(accounts="ab")
    desk.source.wrong["*"] = Unreachable("gone")
    desk.source.gate.clear()
    both = asyncio.gather(desk.answer("a"), desk.answer("b"), return_exceptions=True)
    await asyncio.sleep(0)
    desk.source.gate.set()
    assert [type(error) for error in await both] == [Unreachable, Unreachable]
    assert len(desk.source.rounds) == 1


async def test_an_asker_that_gives_up_leaves_the_others_to_ask_for_themselves():
    desk = Desk(accounts="ab")
    desk.source.gate.clear()
    asker = asyncio.create_task(desk.answer("a"))
    await asyncio.sleep(0)
    waiter = asyncio.create_task(desk.answer("b"))
    await asyncio.sleep(0)
    asker.cancel()
    desk.source.gate.set()
    assert await waiter == "b2"


async def test_an_account_that_the_answer_leaves_out_is_told_so():
    desk = Desk(accounts="a")
    desk.batcher._ask = lambda accounts: asyncio.sleep(0, {})
    with pytest.raises(BadData, match="leaves this account out"):
        await desk.answer("a")


async def test_one_that_has_left_is_asked_for_no_more():
    desk = Desk(accounts="ab")
    desk.batcher.leave("b")
    await desk.answer("a")
    assert desk.source.rounds == [["a"]]


async def test_one_account_of_two_links_stays_until_both_have_left():
    desk = Desk(accounts="ab")
    desk.batcher.join("b", 30)
    assert await desk.answer("b") == "b1" and await desk.answer("b") == "b2"
    desk.batcher.leave("b")
    assert await desk.answer("b") == "b3"
    desk.batcher.leave("b")
    desk.batcher.leave("b")
    with pytest.raises(KeyError):
        await desk.answer("b")
