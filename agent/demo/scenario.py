"""What happens at the demo's organisation and what every watcher must see of it, in order. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from agent.demo.organisation import ALICE, BOB, CAROL, DAVE, MEMBERS, Event, Kind, Member, first_calendars


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watcher is shown of somebody: open or closed, RPID activities, note."""

    basic: str
    activities: tuple[str, ...] = ()
    note: str | None = None

    def __str__(self) -> str:
        return "  ".join(
            [self.basic, ", ".join(self.activities), f'"{self.note}"' if self.note else ""]
        ).rstrip()


FREE = Seen("open")


def shown_during(event: Event, zone: tzinfo) -> Seen:
    """What the demo's rules make of an event; times in notes are those of ``zone``."""
    ends = event.end.astimezone(zone)
    if event.kind is Kind.LUNCH:
        return Seen("open", ("lunch",), f"At lunch until {ends:%H:%M}")
    if event.kind is Kind.OUT_OF_OFFICE:
        return Seen("closed", ("away",), f"Out of the office until {ends:%d %b %H:%M}")
    return Seen("closed", ("busy",), f"In a meeting until {ends:%H:%M}")


class Cause(StrEnum):
    """What makes the lamp change."""

    CLOCK = "clock"
    CALDAV = "CalDAV"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of what is shown of somebody."""

    at: datetime
    "The boundary; for a change of the calendar: when it is made."
    member: Member
    cause: Cause
    words: str
    shown: Seen
    change: Event | None = None
    "What is put into the calendar at that time."


@dataclass(frozen=True, slots=True)
class Act:
    """A stretch of time. Everybody's calendar is as at its beginning when it ends."""

    events: tuple[Event, ...]
    "Put into the calendars before it begins."
    steps: tuple[Step, ...]
    ends: datetime

    def leftovers(self) -> tuple[Event, ...]:
        """The objects that are in the calendars afterwards and mean nothing any more."""
        found = {event.uid: event for event in self.events}
        found |= {step.change.uid: step.change for step in self.steps if step.change is not None}
        return tuple(found.values())

    def until(self, moment: datetime) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.at <= moment)


NAMES = {Kind.MEETING: "a meeting", Kind.LUNCH: "lunch", Kind.OUT_OF_OFFICE: "an absence"}
LEAD = timedelta(seconds=4)
"Between putting an act's events into the calendars and its beginning: they have to be polled first."
SCRIPT = timedelta(seconds=24)
"How much of the first act is played by ``--script``: the last of its changes is that long after the beginning."


def at_first(now: datetime, zone: tzinfo) -> dict[str, Seen]:
    """What is shown of each member (key) while `first_calendars(now)` hold."""
    shown = {member.key: FREE for member in MEMBERS}
    for event in first_calendars(now):
        if event.start <= now < event.end:
            shown[event.member.key] = shown_during(event, zone)
    return shown


def first_act(start: datetime, opened: datetime, zone: tzinfo) -> Act:
    """A meeting begins, one is added, one is cancelled, one is moved, and they end again: one minute.

    ``opened``: the moment that `first_calendars` were made for.
    """

    def after(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    standing = {event.uid: event for event in first_calendars(opened)}
    stand_up = Event("stand-up", ALICE, "Stand-up", after(5), after(17))
    dentist = Event("dentist", ALICE, "Dentist", after(24), after(48), Kind.OUT_OF_OFFICE)
    lunch = Event("lunch", CAROL, "Lunch", after(22), after(52), Kind.LUNCH)
    call = Event("customer-call", BOB, "Customer call", after(7), after(56))
    moved = standing["planning"].moved_to(after(20), after(44))
    steps = (
        *_clock(stand_up, zone),
        *_clock(dentist, zone),
        *_clock(lunch, zone),
        Step(after(8), BOB, Cause.CALDAV, "a meeting is added", shown_during(call, zone), call),
        _end(call),
        Step(
            after(11), CAROL, Cause.CALDAV, "the meeting is cancelled", FREE, standing["interview"].cancel()
        ),
        Step(after(14), DAVE, Cause.CALDAV, "the meeting is moved", FREE, moved),
        *_clock(moved, zone, "the moved meeting"),
    )
    return Act((stand_up, dentist, lunch), _in_order(steps), after(60))


def next_act(number: int, start: datetime, zone: tzinfo) -> Act:
    """Life goes on: another minute, with the parts given to others each time. ``number``: 1, 2, 3 …"""

    def after(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    one, two, three, four = (MEMBERS[(number + index) % len(MEMBERS)] for index in range(4))
    meeting = Event(f"meeting-{number}", one, "Weekly", after(6), after(40))
    call = Event(f"call-{number}", two, "Call", after(13), after(55))
    lunch = Event(f"lunch-{number}", three, "Lunch", after(20), after(50), Kind.LUNCH)
    trip = Event(f"trip-{number}", four, "Errand", after(28), after(46), Kind.OUT_OF_OFFICE)
    steps = (
        *_clock(meeting, zone),
        Step(after(14), two, Cause.CALDAV, "a meeting is added", shown_during(call, zone), call),
        Step(after(34), two, Cause.CALDAV, "the meeting is cancelled", FREE, call.cancel()),
        *_clock(lunch, zone),
        *_clock(trip, zone),
    )
    return Act((meeting, lunch, trip), _in_order(steps), after(60))


def _clock(event: Event, zone: tzinfo, name: str = "") -> tuple[Step, Step]:
    name = name or NAMES[event.kind]
    begins = Step(event.start, event.member, Cause.CLOCK, f"{name} begins", shown_during(event, zone))
    return begins, _end(event)


def _end(event: Event) -> Step:
    return Step(event.end, event.member, Cause.CLOCK, f"{NAMES[event.kind]} ends", FREE)


def _in_order(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(sorted(steps, key=lambda step: step.at))
