"""The same cases against the presence server: what it answers to those that the core lets through."""

import asyncio

import pytest

from tests.support.virtual_loop import virtual
from tests.support.wire import SERVER
from tests.support.world import world
from tests.torture.case import Case, Outcome
from tests.torture.test_torture import CASES

SOURCE = "192.0.2.50"


class Listener:
    def __init__(self) -> None:
        self.statuses: list[int] = []

    def arrived(self, data: bytes, source: tuple[str, int]) -> None:
        # What was broken in the request comes back in the answer: only the status is certain to be readable.
        assert data.startswith(b"SIP/2.0 ")
        self.statuses.append(int(data[8:11]))


@pytest.mark.parametrize("case", CASES, ids=str)
@virtual
async def test_over_udp(case: Case) -> None:
    async with world() as here:
        listener = Listener()
        for port in (5060, 6050, 19823):
            here.wire.bind((SOURCE, port), listener)
        here.wire.carry((SOURCE, 5060), SERVER, case.data)
        await asyncio.sleep(0.3)
        if case.udp is Outcome.REQUEST:
            assert case.served is not None
            assert listener.statuses == [case.served]
        elif case.udp is Outcome.REFUSED:
            assert listener.statuses == [case.status]
        else:
            assert listener.statuses == []
        assert not here.store.all_subscriptions()
