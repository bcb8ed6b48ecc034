"""The Google connector in the suite that every connector passes, in both modes."""

from contextlib import asynccontextmanager

from connectors.base import Context, Link
from connectors.conformance import ConnectorConformance
from tests.connectors.google.support import ALICE, Office, meeting, office


class GoogleSource:
    """Satisfies `connectors.conformance.Source`."""

    def __init__(self, made: Office) -> None:
        self._server = made.server
        self.link: Link = made.link()
        self.context: Context = made.context()
        self._changes = 0
        self._server.calendar(ALICE).put(meeting(10, id="first"))

    async def change(self) -> None:
        self._changes += 1
        self._server.calendar(ALICE).put(meeting(12 + self._changes))

    async def refuse_sign_in(self) -> None:
        self._server.lever = "refuse"

    async def fall_silent(self) -> None:
        self._server.lever = "silent"

    async def talk_nonsense(self) -> None:
        self._server.lever = "nonsense"

    async def mend(self) -> None:
        self._server.lever = ""


class TestCalendar(ConnectorConformance):
    name = "google"
    package = "connectors.google"
    mode = "calendar"

    @asynccontextmanager
    async def source(self):
        async with office(mode=self.mode) as made:
            yield GoogleSource(made)


class TestFreeBusy(TestCalendar):
    mode = "free-busy"
