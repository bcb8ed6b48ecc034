"""What the Calendar API says of events and busy times → calendar facts. Pure.

An event shows its owner as, first match wins:

1. status cancelled, or the owner declined                       → no event at all
2. eventType outOfOffice                                          → out of office
3. eventType workingLocation: homeOffice, customLocation          → working elsewhere
   eventType workingLocation: officeLocation                      → free
4. eventType birthday; transparency transparent                   → free
5. status tentative; tentatively or not answered                  → tentative
6. everything else, eventType focusTime and fromGmail among it    → busy

Google always means busy where it leaves the transparency out, for whole days too.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, tzinfo

from connectors.calendar_event import Reader, event_told
from connectors.errors import BadData, ConnectorError, NotFound, Unreachable
from connectors.facts import CalendarEvent, Shows
from connectors.google.calendar_api import Json, objects
from connectors.ical.lines import has_meeting_link
from connectors.ical.read import Reading
from connectors.ical.window import Window
from connectors.ical.zones import to_utc

FOCUS = "Focus time"
"Category of focus time, so that rules can ask for it."


def read_events(items: Iterable[Json], window: Window, home: tzinfo, reader: Reader) -> Reading:
    """Events that overlap the window. One that makes no sense is named, the others count."""
    events: list[CalendarEvent] = []
    problems: list[str] = []
    for item in items:
        try:
            event = _event(item, home, reader)
        except (BadData, OverflowError) as error:
            what = error.what if isinstance(error, BadData) else "its dates are outside the calendar"
            problems.append(f"event with UID {_text(item, 'iCalUID')[:60] or '?'}: {what}")
            continue
        if event is not None and event.start < window.end and event.end > window.start:
            events.append(event)
    return Reading(_sorted(events), tuple(problems))


def _event(item: Json, home: tzinfo, reader: Reader) -> CalendarEvent | None:
    shown = _shown(item)
    if shown is None:
        return None
    start, whole = _moment(item, "start", home)
    end, _ = _moment(item, "end", home)
    if _text(item, "eventType") == "outOfOffice":
        # Google writes whole days out of office as times, from midnight to midnight.
        whole = whole or all(moment.astimezone(home).time() == time() for moment in (start, end))
    guests = list(objects(item.get("attendees")))
    place = _text(item, "location")
    return event_told(
        reader,
        start=start,
        end=end,
        shows=shown,
        all_day=whole,
        private=_text(item, "visibility") in ("private", "confidential"),
        title=_text(item, "summary"),
        place=place,
        categories=(FOCUS,) if _text(item, "eventType") == "focusTime" else (),
        attendees=sum(not _is_self(guest, reader) for guest in guests) if guests else None,
        online_meeting=bool(item.get("hangoutLink") or item.get("conferenceData")) or has_meeting_link(place),
        uid=_text(item, "iCalUID") or _text(item, "id"),
    )


def _shown(item: Json) -> Shows | None:
    status, kind = _text(item, "status"), _text(item, "eventType")
    own = next((guest for guest in objects(item.get("attendees")) if guest.get("self") is True), {})
    response = _text(own, "responseStatus")
    if status == "cancelled" or response == "declined":
        return None
    if kind == "outOfOffice":
        return Shows.OUT_OF_OFFICE
    if kind == "workingLocation":
        return Shows.FREE if _working_location(item) == "officeLocation" else Shows.ELSEWHERE
    if kind == "birthday" or _text(item, "transparency") == "transparent":
        return Shows.FREE
    if status == "tentative" or response in ("tentative", "needsAction"):
        return Shows.TENTATIVE
    return Shows.BUSY


def read_free_busy(document: Json, calendars: Iterable[str]) -> dict[str, tuple[Json, ...] | ConnectorError]:
    """Busy times by calendar, still in Google's words. Raises `BadData` when it is no such answer."""
    answers = document.get("calendars")
    if not isinstance(answers, dict):
        raise BadData("Google's answer says nothing of free and busy (no “calendars”)")
    found: dict[str, tuple[Json, ...] | ConnectorError] = {}
    for calendar in calendars:
        answer = answers.get(calendar)
        if isinstance(answer, dict):
            errors = [_text(error, "reason") for error in objects(answer.get("errors"))]
            found[calendar] = _calendar_error(errors[0]) if errors else tuple(objects(answer.get("busy")))
    return found


def _calendar_error(reason: str) -> ConnectorError:
    if reason == "notFound":
        return NotFound(
            "Google knows no such calendar, or does not show it",
            advice="Check the account; within an organisation, free and busy times have to be shared.",
        )
    return Unreachable(
        f"Google has no free and busy times of this calendar for now ({reason[:40] or 'no reason'})"
    )


def read_busy(busy: Iterable[Json], window: Window, home: tzinfo, reader: Reader) -> Reading:
    """The events of one calendar's busy times."""
    events: list[CalendarEvent] = []
    problems: list[str] = []
    for part in busy:
        try:
            start, end = _exact(part.get("start"), "start", home), _exact(part.get("end"), "end", home)
        except BadData as error:
            problems.append(f"part of the busy times: {error.what}")
            continue
        event = event_told(reader, start=start, end=end, shows=Shows.BUSY)
        if event is not None and event.start < window.end and event.end > window.start:
            events.append(event)
    return Reading(_sorted(events), tuple(problems))


# -- values ---------------------------------------------------------------------------------------------------


def _moment(item: Json, name: str, home: tzinfo) -> tuple[datetime, bool]:
    """`{"dateTime": …}` or `{"date": …}`; and whether it is the latter: a whole day is the person's own."""
    given = item.get(name)
    if not isinstance(given, dict):
        raise BadData(f"it has no {name}")
    day = given.get("date")
    if day is None:
        return _exact(given.get("dateTime"), name, home), False
    try:
        return to_utc(date.fromisoformat(str(day)), home), True
    except ValueError:
        raise BadData(f"its {name} is not a date: “{str(day)[:30]}”") from None


def _exact(text: object, name: str, home: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise BadData(f"its {name} is not a date and time: “{str(text)[:30]}”") from None
    return moment.astimezone(UTC) if moment.tzinfo is not None else to_utc(moment, home)


def _is_self(guest: Json, reader: Reader) -> bool:
    return guest.get("self") is True or _text(guest, "email").lower() in reader.addresses


def _working_location(item: Json) -> str:
    return _text(item.get("workingLocationProperties"), "type")


def _text(given: object, name: str) -> str:
    value = given.get(name) if isinstance(given, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _sorted(events: list[CalendarEvent]) -> tuple[CalendarEvent, ...]:
    return tuple(sorted(events, key=lambda event: (event.start, event.end, event.uid)))
