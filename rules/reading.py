"""How an organisation reads its calendars: which event is stronger, which calendars count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from connectors.facts import Shows


@dataclass(frozen=True, slots=True)
class CalendarMeaning:
    """How the admin wants the calendars of one name to count."""

    counts: bool = True
    "False: only for conditions that name this calendar."
    shows_as: Shows | None = None
    "What its busy events count as instead."


PRECEDENCE = (Shows.OUT_OF_OFFICE, Shows.BUSY, Shows.TENTATIVE, Shows.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Reading:
    """How an organisation reads its calendars."""

    precedence: tuple[Shows, ...] = PRECEDENCE
    "The strongest first; free is always the weakest."
    calendars: Mapping[str, CalendarMeaning] = field(default_factory=lambda: MappingProxyType({}))

    def rank(self) -> Mapping[Shows, int]:
        full = [*self.precedence, *(shows for shows in PRECEDENCE if shows not in self.precedence)]
        return MappingProxyType({shows: len(full) - at for at, shows in enumerate(full)} | {Shows.FREE: 0})
