"""Facts: what one source holds to be so about one person. Pure: no I/O, no clock.

A fact says *for this person, this source holds this to be so, observed at, valid until*. Three laws:

1. Facts are ordered by the source's own time (``observed_at``), never by arrival.
2. Unknown is not idle. A fact whose ``valid_until`` has passed is *stale*; a person about whom a kind was
   never heard is *unknown*. Rules can see both.
3. The future is known too: a calendar fact carries the coming events, so that presence changes at the
   event's own second and not at the next poll.

All datetimes are aware; connectors normalise to UTC.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class FactKind(StrEnum):
    """The kinds of fact; each has its value class below."""

    CALENDAR = "calendar"
    CALL = "call"
    PLACE = "place"
    ACTIVITY = "activity"
    REACH = "reach"
    MANUAL = "manual"
    SCHEDULE = "schedule"


class Shows(StrEnum):
    """What an event shows its owner as, from least to most (RFC 5545 TRANSP, MS-OXOCAL busy status)."""

    FREE = "free"
    ELSEWHERE = "working-elsewhere"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OUT_OF_OFFICE = "out-of-office"


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One occurrence, recurrences already expanded. ``[start, end)``, aware UTC, exact durations."""

    start: datetime
    end: datetime
    shows: Shows = Shows.BUSY
    all_day: bool = False
    private: bool = False
    title: str | None = None
    "Only if the person's privacy level allows, and never for a private event."
    place: str | None = None
    "Likewise."
    categories: tuple[str, ...] = ()
    attendees: int | None = None
    "How many others were invited; None when the source does not say."
    online_meeting: bool = False
    uid: str = ""
    "The source's own identifier, for diagnostics; never published."


@dataclass(frozen=True, slots=True)
class CalendarValue:
    """The events of one calendar in ``[window_start, window_end)``, sorted by start."""

    events: tuple[CalendarEvent, ...]
    window_start: datetime
    window_end: datetime
    calendar: str = ""
    "The meaning that the admin or user gave this calendar (`work`, `private`, `on-call` …)."


class CallState(StrEnum):
    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    CONFERENCE = "conference"


@dataclass(frozen=True, slots=True)
class CallValue:
    """What one phone (or one dialog-aware source) says of its calls; the busiest call counts."""

    state: CallState
    since: datetime
    direction: str | None = None
    "`in` or `out`."
    remote: str | None = None
    "The far end, only if the privacy level allows."
    device: str = ""


@dataclass(frozen=True, slots=True)
class PlaceValue:
    """A named zone. Coordinates never get this far."""

    zone: str | None
    "None: known to be in none of the named zones."
    since: datetime
    tags: tuple[str, ...] = ()
    confidence: float = 1.0
    "0 … 1."


class ActivityState(StrEnum):
    ACTIVE = "active"
    IDLE = "idle"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class ActivityValue:
    """Use of one device."""

    device: str
    state: ActivityState
    last_input: datetime | None = None


class ReachState(StrEnum):
    REACHABLE = "reachable"
    REGISTERED = "registered"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class ReachValue:
    """Whether one device can be reached."""

    device: str
    state: ReachState


@dataclass(frozen=True, slots=True)
class ManualValue:
    """What the person chose. ``state`` None: the choice was taken back (`auto`)."""

    state: str | None
    note: str | None = None
    until: datetime | None = None
    "None: until taken back."
    until_return: bool = False
    "Ends when the person uses a device again after having been away from all of them."


@dataclass(frozen=True, slots=True)
class Period:
    """``[start, end)``."""

    start: datetime
    end: datetime
    label: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleValue:
    """Working periods and days off near now, already expanded from configuration, sorted by start."""

    working: tuple[Period, ...]
    holidays: tuple[Period, ...] = ()


FactValue = CalendarValue | CallValue | PlaceValue | ActivityValue | ReachValue | ManualValue | ScheduleValue

KIND_OF: Mapping[type, FactKind] = MappingProxyType(
    {
        CalendarValue: FactKind.CALENDAR,
        CallValue: FactKind.CALL,
        PlaceValue: FactKind.PLACE,
        ActivityValue: FactKind.ACTIVITY,
        ReachValue: FactKind.REACH,
        ManualValue: FactKind.MANUAL,
        ScheduleValue: FactKind.SCHEDULE,
    }
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement by one source about one person. A newer one from the same source replaces it."""

    person: str
    "The person's key in the settings (`alice`)."
    source: str
    "Who says so: connector instance and stream, e.g. `caldav:office/alice/work`. Unique per stream."
    value: FactValue
    observed_at: datetime
    "By the source's own clock."
    valid_until: datetime | None = None
    "After this moment the fact is stale. None: holds until replaced."
    confidence: float = 0.5
    "0 … 1: how sure the source is. Where several speak of the same device, the surest fresh one counts."

    @property
    def kind(self) -> FactKind:
        return KIND_OF[type(self.value)]

    def is_stale(self, now: datetime) -> bool:
        return self.valid_until is not None and now >= self.valid_until


@dataclass(slots=True)
class FactBook:
    """The newest fact of every stream, by person. The one mutable thing between connectors and rules."""

    _people: dict[str, dict[tuple[str, FactKind], Fact]] = field(default_factory=dict)

    def put(self, fact: Fact) -> bool:
        """Take a fact unless a newer one of the same stream is known. True when what is known changed.

        A fact that says the same again (only ``observed_at`` or ``valid_until`` moved) is kept, and the
        answer is still True when a stale fact came back to life; the caller re-evaluates in both cases.
        """
        streams = self._people.setdefault(fact.person, {})
        key = (fact.source, fact.kind)
        known = streams.get(key)
        if known is not None and known.observed_at > fact.observed_at:
            return False
        streams[key] = fact
        return known is None or known.value != fact.value or known.valid_until != fact.valid_until

    def drop_source(self, source: str) -> set[str]:
        """Forget a source (unlinked). Returns the people concerned."""
        concerned: set[str] = set()
        for person, streams in self._people.items():
            for key in [key for key in streams if key[0] == source]:
                del streams[key]
                concerned.add(person)
        return concerned

    def drop_person(self, person: str) -> None:
        """Forget all about somebody who is none of ours any more."""
        self._people.pop(person, None)

    def of(self, person: str) -> tuple[Fact, ...]:
        """Everything known of a person, stale facts included, in a stable order."""
        streams = self._people.get(person, {})
        return tuple(streams[key] for key in sorted(streams))

    def people(self) -> Iterator[str]:
        return iter(self._people)

    def put_all(self, facts: Iterable[Fact]) -> set[str]:
        """``put`` each; returns the people about whom something changed."""
        return {fact.person for fact in facts if self.put(fact)}
