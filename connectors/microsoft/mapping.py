"""What Graph says of events, schedules and automatic replies → calendar facts. Pure.

An event shows its owner as, first match wins:

1. isCancelled, or the owner declined                      → no event at all
2. showAs free, tentative, busy, oof, workingElsewhere     → what it says
3. showAs unknown or missing                               → tentative if not (or tentatively) answered, else busy

Outlook itself sets showAs to tentative until an invitation is answered, so the answer needs no rule of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from connectors.calendar_event import Reader, event_told
from connectors.errors import BadData, ConnectorError, Forbidden, NotFound, Unreachable
from connectors.facts import CalendarEvent, Shows
from connectors.ical.lines import has_meeting_link
from connectors.ical.read import Reading
from connectors.ical.window import Window
from connectors.ical.zones import named_zone, to_utc
from connectors.microsoft.graph import SLOT_MINUTES, Json, objects

_SHOWS = {
    "free": Shows.FREE,
    "tentative": Shows.TENTATIVE,
    "busy": Shows.BUSY,
    "oof": Shows.OUT_OF_OFFICE,
    "workingelsewhere": Shows.ELSEWHERE,
}
# scheduleInformation.availabilityView: 0 is free or working elsewhere.
_SLOTS = {"1": Shows.TENTATIVE, "2": Shows.BUSY, "3": Shows.OUT_OF_OFFICE, "4": Shows.ELSEWHERE}
_NOT_ANSWERED = frozenset({"notresponded", "tentativelyaccepted"})
_UNKNOWN_MAILBOX = frozenset({"5009", "ErrorMailRecipientNotFound"})
_NO_ACCESS = frozenset({"ErrorNoFreeBusyAccess", "ErrorFreeBusyDLLimitReached", "ErrorAccessDenied"})


@dataclass(frozen=True, slots=True)
class Schedule:
    """What getSchedule says of one mailbox, still in Graph's words."""

    items: tuple[Json, ...]
    view: str
    "availabilityView: one character per `SLOT_MINUTES`."
    window: Window


@dataclass(frozen=True, slots=True)
class Listed:
    """One calendar of a mailbox."""

    id: str
    name: str
    primary: bool


def read_calendars(entries: Iterable[Json]) -> tuple[Listed, ...]:
    """In the order in which Outlook has them."""
    return tuple(
        Listed(_text(entry, "id"), _text(entry, "name"), entry.get("isDefaultCalendar") is True)
        for entry in entries
        if _text(entry, "id")
    )


def read_events(entries: Iterable[Json], window: Window, home: tzinfo, reader: Reader) -> Reading:
    """Events of a calendarView that overlap the window. One that makes no sense is named, the others count."""
    events: list[CalendarEvent] = []
    problems: list[str] = []
    for entry in entries:
        try:
            event = _event(entry, home, reader)
        except (BadData, OverflowError) as error:
            what = error.what if isinstance(error, BadData) else "its dates are outside the calendar"
            problems.append(f"event with UID {str(entry.get('iCalUId') or '?')[:60]}: {what}")
            continue
        if event is not None and _overlaps(event, window):
            events.append(event)
    return Reading(_sorted(events), tuple(problems))


def _event(entry: Json, home: tzinfo, reader: Reader) -> CalendarEvent | None:
    shown = _shown(entry)
    if shown is None:
        return None
    whole = entry.get("isAllDay") is True
    start, end = (
        (_day(entry, name, home) if whole else _moment(entry.get(name), name)) for name in ("start", "end")
    )
    return event_told(
        reader,
        start=start,
        end=end,
        shows=shown,
        all_day=whole,
        private=_text(entry, "sensitivity").lower() not in ("", "normal"),
        title=_text(entry, "subject"),
        place=_place(entry),
        categories=[str(name) for name in entry.get("categories") or () if name],
        attendees=_others(entry, reader),
        online_meeting=entry.get("isOnlineMeeting") is True
        or bool(entry.get("onlineMeetingUrl"))
        or has_meeting_link(_place(entry)),
        uid=_text(entry, "iCalUId") or _text(entry, "id"),
    )


def _shown(entry: Json) -> Shows | None:
    answer = entry.get("responseStatus")
    response = _text(answer, "response").lower() if isinstance(answer, dict) else ""
    if entry.get("isCancelled") is True or response == "declined":
        return None
    shown = _SHOWS.get(_text(entry, "showAs").lower())
    return shown or (Shows.TENTATIVE if response in _NOT_ANSWERED else Shows.BUSY)


def read_schedules(document: Json, window: Window) -> dict[str, Schedule | ConnectorError]:
    """The answer of getSchedule by mailbox, in lower case. Raises `BadData` when it is none."""
    if not isinstance(document.get("value"), list):
        raise BadData("Microsoft Graph's answer is not a list of schedules (no “value”)")
    found: dict[str, Schedule | ConnectorError] = {}
    for entry in objects(document["value"]):
        mailbox = _text(entry, "scheduleId").lower()
        wrong = entry.get("error")
        found[mailbox] = (
            _schedule_error(wrong)
            if isinstance(wrong, dict)
            else Schedule(
                tuple(objects(entry.get("scheduleItems"))), _text(entry, "availabilityView"), window
            )
        )
    return found


def _schedule_error(wrong: Json) -> ConnectorError:
    code, message = str(wrong.get("responseCode") or "")[:60], str(wrong.get("message") or "")[:120]
    if code in _UNKNOWN_MAILBOX:
        return NotFound("Microsoft 365 knows no mailbox of this address", advice="Check the link's mailbox.")
    if code in _NO_ACCESS:
        return Forbidden(f"the mailbox does not show when it is free ({code})")
    return Unreachable(
        f"Microsoft 365 has no schedule of this mailbox for now ({code or message or 'no reason'})"
    )


def read_schedule(schedule: Schedule, window: Window, home: tzinfo, reader: Reader) -> Reading:
    """The events of one schedule that overlap ``window``. A mailbox that gives no items still gives slots.

    Words are left out, though a mailbox may show them: who asks for no more than free and busy gets no more, and
    Microsoft does not say which of them are confidential.
    """
    items = schedule.items or tuple(_slots(schedule))
    events: list[CalendarEvent] = []
    problems: list[str] = []
    for item in items:
        shown = _SHOWS.get(_text(item, "status").lower(), Shows.BUSY)
        try:
            start, end = _moment(item.get("start"), "start"), _moment(item.get("end"), "end")
        except BadData as error:
            problems.append(f"part of the schedule: {error.what}")
            continue
        event = event_told(
            reader,
            start=start,
            end=end,
            shows=shown,
            all_day=_is_midnight(start, home) and _is_midnight(end, home),
            private=item.get("isPrivate") is True,
        )
        if event is not None and _overlaps(event, window):
            events.append(event)
    return Reading(_sorted(events), tuple(problems))


def _slots(schedule: Schedule) -> Iterable[Json]:
    """Runs of equal slots as items."""
    begin = schedule.window.start
    view = schedule.view
    first = 0
    for number in range(1, len(view) + 1):
        if number == len(view) or view[number] != view[first]:
            if view[first] in _SLOTS:
                yield {
                    "status": _STATUS[_SLOTS[view[first]]],
                    "start": _written(begin + first * _SLOT),
                    "end": _written(begin + number * _SLOT),
                }
            first = number


_SLOT = timedelta(minutes=SLOT_MINUTES)
_STATUS = {shown: word for word, shown in _SHOWS.items()}


def read_replies(document: Json, window: Window, reader: Reader) -> Reading:
    """automaticRepliesSetting: out of office while automatic replies are sent."""
    status = _text(document, "status").lower()
    if status == "alwaysenabled":
        start, end = window.start, window.end
    elif status == "scheduled":
        start = _moment(document.get("scheduledStartDateTime"), "scheduledStartDateTime")
        end = _moment(document.get("scheduledEndDateTime"), "scheduledEndDateTime")
    elif status == "disabled":
        return Reading((), ())
    else:
        raise BadData("Microsoft Graph's answer says nothing of automatic replies")
    event = event_told(reader, start=start, end=end, shows=Shows.OUT_OF_OFFICE, uid="automatic replies")
    return Reading((event,) if event is not None and _overlaps(event, window) else (), ())


# -- values ---------------------------------------------------------------------------------------------------


def _moment(given: object, name: str) -> datetime:
    """dateTimeTimeZone: local time with seven decimals, and a Windows or IANA zone (UTC as asked for)."""
    local, zone = _local(given, name)
    return to_utc(local, zone)


def _local(given: object, name: str) -> tuple[datetime, tzinfo]:
    if not isinstance(given, dict):
        raise BadData(f"it has no {name}")
    text, zone = _text(given, "dateTime"), named_zone(_text(given, "timeZone") or "UTC")
    try:
        local = datetime.fromisoformat(text[:26] if "." in text else text)
    except ValueError:
        raise BadData(f"its {name} is not a date and time: “{text[:30]}”") from None
    if zone is None:
        raise BadData(f"the time zone of its {name} is not known: “{_text(given, 'timeZone')[:40]}”")
    return local, zone


def _day(entry: Json, name: str, home: tzinfo) -> datetime:
    """Whole days are meant in the person's zone, and Graph gives them as midnights. One that is no midnight was
    converted: it is one in the zone in which the event was made."""
    local, zone = _local(entry.get(name), name)
    if local.time() != time():
        made_in = named_zone(_text(entry, "originalStartTimeZone") or "UTC") or UTC
        local = to_utc(local, zone).astimezone(made_in).replace(tzinfo=None)
    return to_utc(_nearest_midnight(local), home)


def _nearest_midnight(local: datetime) -> date:
    return (local + timedelta(hours=12)).date()


def _is_midnight(moment: datetime, home: tzinfo) -> bool:
    return moment.astimezone(home).time() == time()


def _written(moment: datetime) -> Json:
    return {"dateTime": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def _others(entry: Json, reader: Reader) -> int | None:
    everybody = list(objects(entry.get("attendees")))
    addresses = [
        _text(guest.get("emailAddress"), "address").lower()
        for guest in everybody
        if isinstance(guest.get("emailAddress"), dict)
    ]
    return sum(address not in reader.addresses for address in addresses) if everybody else None


def _place(entry: Json) -> str:
    place = entry.get("location")
    return _text(place, "displayName") if isinstance(place, dict) else ""


def _text(given: object, name: str) -> str:
    value = given.get(name) if isinstance(given, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _overlaps(event: CalendarEvent, window: Window) -> bool:
    return event.start < window.end and event.end > window.start


def _sorted(events: list[CalendarEvent]) -> tuple[CalendarEvent, ...]:
    return tuple(sorted(events, key=lambda event: (event.start, event.end, event.uid)))
