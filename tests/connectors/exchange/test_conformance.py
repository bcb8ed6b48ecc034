"""The Exchange connector in the suite that every connector passes, in both ways of reading."""

from contextlib import asynccontextmanager

from connectors.conformance import ConnectorConformance
from tests.connectors.exchange.support import ALICE, meeting, office


class _Levers:
    def __init__(self, made) -> None:
        self._made = made
        self.link, self.context = made.link(), made.context()

    async def change(self) -> None:
        self._made.ews.put(ALICE, meeting(12))

    async def refuse_sign_in(self) -> None:
        self._made.ews.lever = "refuse"

    async def fall_silent(self) -> None:
        self._made.ews.lever = "silent"

    async def talk_nonsense(self) -> None:
        self._made.ews.lever = "nonsense"

    async def mend(self) -> None:
        self._made.ews.lever = ""


class TestFreeBusy(ConnectorConformance):
    name = "exchange"
    package = "connectors.exchange"

    @asynccontextmanager
    async def source(self):
        async with office(interval="100ms") as made:
            made.ews.put(ALICE, meeting(10))
            yield _Levers(made)


class TestCalendar(ConnectorConformance):
    name = "exchange"
    package = "connectors.exchange"

    @asynccontextmanager
    async def source(self):
        async with office(mode="calendar", notifications=False) as made:
            made.ews.put(ALICE, meeting(10))
            yield _Levers(made)
