"""Microsoft Graph as text: addresses, bodies and envelopes. Pure; what calendars mean is in ``mapping``.

Source: the v1.0 reference, learn.microsoft.com/graph/api.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from connectors.calendar_event import Reader
from connectors.errors import BadData
from connectors.ical.window import Window
from connectors.privacy import Privacy

ROOT = "/v1.0"
"Of every address below."
BATCH = "/$batch"
MOST_IN_BATCH = 20
"Requests in one $batch (learn.microsoft.com/graph/json-batching)."
MOST_SCHEDULES = 20
"Mailboxes in one getSchedule."
SLOT_MINUTES = 15
"Of the availabilityView, which counts where a mailbox gives no items."

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection."""

    entries: tuple[Json, ...]
    onward: str | None
    "@odata.nextLink: there is more."
    delta: str | None
    "@odata.deltaLink: what to ask next time."


@dataclass(frozen=True, slots=True)
class Part:
    """One request inside a $batch."""

    method: str
    path: str
    "Relative to `ROOT`, with query."
    body: Json | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """Its answer."""

    status: int
    headers: Mapping[str, str]
    "Names in lower case."
    body: Any


def user_path(mailbox: str | None) -> str:
    """``None``: who is signed in."""
    return "/me" if mailbox is None else f"/users/{quote(mailbox, safe='@')}"


def calendars_path(user: str) -> str:
    """Every calendar of a mailbox."""
    return f"{user}/calendars?$select=id,name,isDefaultCalendar&$top=100"


def calendar_path(user: str, id_: str) -> str:
    """Stands before `delta_path` and `view_path`, where ``user`` alone means the primary calendar."""
    return f"{user}/calendars/{quote(id_, safe='')}"


def delta_path(calendar: str, window: Window) -> str:
    """The first request of a round of event: delta. No $select: the function does not know it."""
    return f"{calendar}/calendarView/delta?{_between(window)}"


def view_path(calendar: str, window: Window, reader: Reader) -> str:
    """Everything in the window, occurrences expanded; only the properties that may be known."""
    chosen = [
        *(
            "start",
            "end",
            "type",
            "isAllDay",
            "isCancelled",
            "showAs",
            "responseStatus",
            "sensitivity",
            "iCalUId",
        ),
        *("originalStartTimeZone", "attendees", "isOnlineMeeting", "onlineMeetingUrl", "location"),
    ]
    if reader.privacy is not Privacy.BUSY:
        chosen.append("categories")
    if reader.privacy is Privacy.DETAILS:
        chosen.append("subject")
    return f"{calendar}/calendarView?{_between(window)}&$select={','.join(chosen)}&$top=200"


def replies_path(user: str) -> str:
    return f"{user}/mailboxSettings/automaticRepliesSetting"


def schedule_body(mailboxes: Sequence[str], window: Window) -> Json:
    """calendar: getSchedule."""
    return {
        "schedules": list(mailboxes),
        "startTime": {"dateTime": f"{window.start:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        "endTime": {"dateTime": f"{window.end:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        "availabilityViewInterval": SLOT_MINUTES,
    }


def batch_body(parts: Sequence[Part]) -> Json:
    """At most `MOST_IN_BATCH` parts."""
    requests = []
    for number, part in enumerate(parts):
        request: Json = {"id": str(number), "method": part.method, "url": part.path}
        headers = dict(part.headers or {})
        if part.body is not None:
            request["body"] = part.body
            headers["Content-Type"] = "application/json"
        if headers:
            request["headers"] = headers
        requests.append(request)
    return {"requests": requests}


def read_batch(document: Json, count: int) -> list[PartAnswer]:
    """The answers in the order of the requests; Graph gives them in any."""
    found: dict[str, PartAnswer] = {}
    for answer in objects(document.get("responses")):
        headers = answer.get("headers")
        found[str(answer.get("id"))] = PartAnswer(
            status=answer["status"] if isinstance(answer.get("status"), int) else 0,
            headers={str(key).lower(): str(value) for key, value in headers.items()}
            if isinstance(headers, dict)
            else {},
            body=answer.get("body"),
        )
    if len(found) < count:
        raise BadData("Microsoft Graph left parts of a batch unanswered")
    return [found[str(number)] for number in range(count)]


def read_object(body: bytes) -> Json:
    """A JSON object. Raises `BadData`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadData("Microsoft Graph's answer is not JSON") from None
    if not isinstance(document, dict):
        raise BadData("Microsoft Graph's answer is not a JSON object")
    return document


def read_page(document: Json) -> Page:
    """Raises `BadData` when it is no collection."""
    if not isinstance(document.get("value"), list):
        raise BadData("Microsoft Graph's answer is not a collection (no “value”)")
    onward, delta = document.get("@odata.nextLink"), document.get("@odata.deltaLink")
    return Page(
        entries=tuple(objects(document["value"])),
        onward=onward if isinstance(onward, str) else None,
        delta=delta if isinstance(delta, str) else None,
    )


def read_error(body: Any) -> tuple[str, str]:
    """Code and message of an error answer; empty where there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or "")[:60], str(error.get("message") or "")[:200]


def objects(given: Any) -> Iterable[Json]:
    return (entry for entry in given if isinstance(entry, dict)) if isinstance(given, list) else ()


def stamp(moment: datetime) -> str:
    """As Graph writes a DateTimeOffset."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _between(window: Window) -> str:
    return urlencode({"startDateTime": stamp(window.start), "endDateTime": stamp(window.end)}, safe=":")
