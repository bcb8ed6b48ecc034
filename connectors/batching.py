"""One request for many: where a source answers for several accounts at once, the links of an entry share requests.

Each link is still polled for itself. The first that is due asks for itself and for those whose answers are the
oldest; these find theirs ready when their own turn comes. In the steady state ``n`` links cost between
``n / most`` and twice as many requests per interval, and an answer is rarely older than half an interval when it
is handed on (with the time at which the source gave it).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from math import inf
from typing import Generic, TypeVar

from connectors.base import Clock
from connectors.errors import BadData, ConnectorError, Unreachable

Answer = TypeVar("Answer")
LONGEST_PACE = 900.0
"Seconds: no answer older than this is handed on, however seldom an account is polled."


@dataclass(slots=True)
class _Seat(Generic[Answer]):
    """One account."""

    interval: float
    pace: float
    "Seconds between its last two polls, an interval at least: at night there are fewer."
    polled: float = -inf
    links: int = 1
    "How many have joined for it: several people may look at one calendar."
    asked: float = -inf
    "Monotonic seconds of the last answer."
    answer: "Answer | ConnectorError | None" = None
    "What has not been handed on yet."
    at: datetime | None = None
    under_way: "asyncio.Future[Unreachable | None] | None" = None
    "The request that this account is part of; its result is what befell all of it."


class Batcher(Generic[Answer]):
    """``ask``: the request, for one to ``most`` accounts of which the first is due; gives what each was answered, or
    the error that concerns it alone. What ``ask`` raises concerns the first, or all if it is `Unreachable`.
    """

    def __init__(
        self,
        ask: Callable[[list[str]], Awaitable[Mapping[str, Answer | ConnectorError]]],
        *,
        most: int,
        clock: Clock,
    ) -> None:
        self._ask, self._most, self._clock = ask, most, clock
        # The longest unasked first.
        self._seats: OrderedDict[str, _Seat[Answer]] = OrderedDict()

    def join(self, account: str, interval: float) -> None:
        """From now on others may ask for this account too. ``interval``: seconds between its own polls."""
        if account in self._seats:
            self._seats[account].interval = min(self._seats[account].interval, interval)
            self._seats[account].links += 1
            return
        self._seats[account] = _Seat(interval, interval)
        self._seats.move_to_end(account, last=False)

    def leave(self, account: str) -> None:
        seat = self._seats.get(account)
        if seat is not None:
            seat.links -= 1
            if seat.links == 0:
                del self._seats[account]

    async def get(self, account: str, *, fresh: bool = False) -> tuple[Answer, datetime]:
        """An answer that was not given before, and when the source gave it. Raises what befell this account."""
        seat = self._seats[account]
        now = self._clock.monotonic()
        seat.pace = (
            min(max(seat.interval, now - seat.polled), LONGEST_PACE) if seat.polled > 0 else seat.interval
        )
        seat.polled = now
        while True:
            if seat.answer is not None and not fresh and self._age(seat) <= seat.pace:
                return self._hand_on(seat)
            if seat.under_way is None:
                await self._round(account)
                return self._hand_on(seat)
            befell = await asyncio.shield(seat.under_way)
            if befell is not None:
                raise befell
            fresh = False

    async def _round(self, account: str) -> None:
        accounts = [account, *self._others(account)]
        under_way = asyncio.get_running_loop().create_future()
        for each in accounts:
            self._seats[each].under_way = under_way
            self._seats.move_to_end(each)
        befell: Unreachable | None = None
        try:
            answers = await self._ask(accounts)
            now, at = self._clock.monotonic(), self._clock.now()
            for each in accounts:
                if each in self._seats:
                    seat = self._seats[each]
                    seat.asked, seat.at = now, at
                    seat.answer = answers.get(each, BadData("the source's answer leaves this account out"))
        except Unreachable as error:
            befell = error
            raise
        finally:
            for each in accounts:
                if each in self._seats:
                    self._seats[each].under_way = None
            under_way.set_result(befell)

    def _others(self, account: str) -> list[str]:
        """Who else is asked for: the longest unasked, if that was half an interval ago or more."""
        found = []
        for other, seat in islice(self._seats.items(), 4 * self._most):
            if other != account and seat.under_way is None and self._age(seat) >= seat.pace / 2:
                found.append(other)
                if len(found) == self._most - 1:
                    break
        return found

    def _age(self, seat: _Seat[Answer]) -> float:
        return self._clock.monotonic() - seat.asked

    def _hand_on(self, seat: _Seat[Answer]) -> tuple[Answer, datetime]:
        answer, at = seat.answer, seat.at
        seat.answer = None
        assert answer is not None and at is not None
        if isinstance(answer, ConnectorError):
            raise answer
        return answer, at
