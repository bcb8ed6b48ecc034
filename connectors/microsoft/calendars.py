"""Which calendars a mailbox has, and where the ones that count are."""

from dataclasses import dataclass

from connectors.base import Surveyed
from connectors.errors import NotFound
from connectors.microsoft.desk import Desk
from connectors.microsoft.graph import calendar_path, calendars_path, read_page
from connectors.microsoft.mapping import Listed, read_calendars
from connectors.microsoft.settings import MicrosoftSettings, Mode
from connectors.microsoft.streams import Place


class Calendars:
    """Of one mailbox; asked for only where a name is needed."""

    def __init__(self, desk: Desk, mailbox: str, settings: MicrosoftSettings) -> None:
        self._desk, self._mailbox, self._settings = desk, mailbox, settings
        self._listed: tuple[Listed, ...] | None = None

    def primary(self) -> Place:
        return _Primary(self._desk.user(self._mailbox))

    def named(self, name: str) -> Place:
        return _Named(self, name)

    async def path(self, name: str) -> str:
        """Raises `NotFound` that tells what there is."""
        listed = await self._list()
        found = next((one for one in listed if one.name == name and not one.primary), None)
        if found is None:
            self.forget()
            others = (
                ", ".join(f"“{one.name}”" for one in listed if not one.primary) or "none but the primary one"
            )
            raise NotFound(f"there is no calendar “{name}”", advice=f"There are: {others}.")
        return calendar_path(self._desk.user(self._mailbox), found.id)

    def forget(self) -> None:
        """Ask again next time."""
        self._listed = None

    async def survey(self) -> tuple[Surveyed, ...]:
        """What counts and what does not; free and busy times are of the primary calendar alone."""
        if self._settings.mode is Mode.FREE_BUSY:
            return (Surveyed("free and busy times", self._settings.calendar, True),)
        self.forget()
        wanted = self._settings.calendars
        return tuple(
            Surveyed(one.name, self._settings.calendar, True)
            if one.primary
            else Surveyed(one.name, wanted[one.name], True)
            if one.name in wanted
            else Surveyed(one.name, "", False, "it is not among `calendars`")
            for one in await self._list()
        )

    async def _list(self) -> tuple[Listed, ...]:
        if self._listed is None:
            path = calendars_path(self._desk.user(self._mailbox))
            page = read_page(await self._desk.client.get(path, mailbox=self._mailbox))
            self._listed = read_calendars(page.entries)
        return self._listed


@dataclass(frozen=True, slots=True)
class _Primary:
    user: str

    async def path(self) -> str:
        return self.user

    def gone(self) -> None:
        """It has no other place."""


@dataclass(frozen=True, slots=True)
class _Named:
    calendars: Calendars
    name: str

    async def path(self) -> str:
        return await self.calendars.path(self.name)

    def gone(self) -> None:
        self.calendars.forget()
