"""What Exchange says of mailboxes → calendar facts. Pure.

An event shows its owner as, first match wins:

1. IsCancelled, or the owner declined                                  → no event at all
2. LegacyFreeBusyStatus Free, Tentative, Busy, OOF, WorkingElsewhere   → what it says
3. NoData or missing                                                   → tentative if not answered, else busy

Outlook sets the status to tentative until an invitation is answered, so the answer needs no rule of its own.
Availability has no answers: the server has applied them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from connectors.calendar_event import Reader, event_told
from connectors.errors import BadData
from connectors.exchange.messages import Availability, BusyTime
from connectors.facts import CalendarEvent, Shows
from connectors.ical.lines import has_meeting_link
from connectors.ical.read import Reading
from connectors.ical.window import Window
from connectors.ical.zones import to_utc

_SHOWS = {
    "free": Shows.FREE,
    "tentative": Shows.TENTATIVE,
    "busy": Shows.BUSY,
    "oof": Shows.OUT_OF_OFFICE,
    "workingelsewhere": Shows.ELSEWHERE,
}
_NOT_ANSWERED = frozenset({"noresponsereceived", "tentative"})


@dataclass(frozen=True, slots=True)
class Appointment:
    """One occurrence as it stands in the mailbox, recurrences expanded by the server."""

    start: datetime | None
    end: datetime | None
    all_day: bool = False
    made_in: tzinfo = UTC
    "The zone in which a whole day begins and ends at midnight."
    busy: str = ""
    "LegacyFreeBusyStatus."
    response: str = ""
    "MyResponseType."
    canceled: bool = False
    sensitivity: str = ""
    subject: str = ""
    location: str = ""
    categories: tuple[str, ...] = ()
    attendees: tuple[str, ...] | None = field(default=None)
    "Addresses of the invited; None when nobody is."
    online: bool = False
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Replies:
    """Automatic replies (GetUserOofSettings)."""

    state: str
    "Enabled, Scheduled or Disabled."
    start: datetime | None = None
    end: datetime | None = None


def read_availability_of(availability: Availability, home: tzinfo, reader: Reader) -> Reading:
    """The events that a mailbox shows."""
    window = availability.window
    told = (_shown_time(entry, home, reader) for entry in availability.times)
    return Reading(_inside(told, window), availability.problems)


def _shown_time(entry: BusyTime, home: tzinfo, reader: Reader) -> CalendarEvent | None:
    return event_told(
        reader,
        start=entry.start,
        end=entry.end,
        shows=_SHOWS.get(entry.busy.lower(), Shows.BUSY),
        all_day=_is_midnight(entry.start, home) and _is_midnight(entry.end, home),
        private=entry.private,
        title=entry.subject,
        place=entry.location,
        online_meeting=has_meeting_link(entry.location),
        uid=entry.id,
    )


def read_appointments(
    appointments: Iterable[Appointment], window: Window, home: tzinfo, reader: Reader
) -> Reading:
    """The events of a calendar that overlap the window. One that makes no sense is named, the others count."""
    events: list[CalendarEvent | None] = []
    problems: list[str] = []
    for appointment in appointments:
        try:
            events.append(_event(appointment, home, reader))
        except BadData as error:
            problems.append(f"event with UID {appointment.uid[:60] or '?'}: {error.what}")
    return Reading(_inside(events, window), tuple(problems))


def _event(appointment: Appointment, home: tzinfo, reader: Reader) -> CalendarEvent | None:
    shown = _shown(appointment)
    if shown is None:
        return None
    start, end = appointment.start, appointment.end
    if start is None or end is None:
        raise BadData("it has no beginning or no end")
    if appointment.all_day:
        start, end = (_day(moment, appointment.made_in, home) for moment in (start, end))
    guests = appointment.attendees
    return event_told(
        reader,
        start=start,
        end=end,
        shows=shown,
        all_day=appointment.all_day,
        private=appointment.sensitivity.lower() not in ("", "normal"),
        title=appointment.subject,
        place=appointment.location,
        categories=appointment.categories,
        attendees=None if guests is None else sum(one.lower() not in reader.addresses for one in guests),
        online_meeting=appointment.online or has_meeting_link(appointment.location),
        uid=appointment.uid,
    )


def _shown(appointment: Appointment) -> Shows | None:
    response = appointment.response.lower()
    if appointment.canceled or response == "decline":
        return None
    shown = _SHOWS.get(appointment.busy.lower())
    return shown or (Shows.TENTATIVE if response in _NOT_ANSWERED else Shows.BUSY)


def read_replies(replies: Replies, window: Window, reader: Reader) -> Reading:
    """Out of office while automatic replies are sent."""
    state = replies.state.lower()
    if state == "enabled":
        start, end = window.start, window.end
    elif state == "scheduled" and replies.start is not None and replies.end is not None:
        start, end = replies.start, replies.end
    else:
        return Reading((), ())
    away = event_told(reader, start=start, end=end, shows=Shows.OUT_OF_OFFICE, uid="automatic replies")
    return Reading(_inside([away], window), ())


def _inside(events: Iterable[CalendarEvent | None], window: Window) -> tuple[CalendarEvent, ...]:
    overlapping = [
        event
        for event in events
        if event is not None and event.start < window.end and event.end > window.start
    ]
    return tuple(sorted(overlapping, key=lambda event: (event.start, event.end, event.uid)))


def _day(moment: datetime, made_in: tzinfo, home: tzinfo) -> datetime:
    """A midnight of the zone in which the event was made is meant as that day's in the person's."""
    local = moment.astimezone(made_in) + timedelta(hours=12)
    return to_utc(local.date(), home)


def _is_midnight(moment: datetime, home: tzinfo) -> bool:
    return moment.astimezone(home).time() == time()
