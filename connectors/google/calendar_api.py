"""The Google Calendar API as text: addresses, bodies and envelopes. Pure; what calendars mean is in ``mapping``.

Source: developers.google.com/workspace/calendar/api/v3/reference.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from connectors.calendar_event import Reader
from connectors.errors import BadData
from connectors.ical.window import Window
from connectors.privacy import Privacy

MOST_CALENDARS = 50
"In one freebusy.query (calendarExpansionMax)."
PAGE = 2500
"Events in one answer, at most."
CHANNEL_LASTS = timedelta(days=7)
"Asked for; what Google grants stands in its answer."

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of events.list."""

    items: tuple[Json, ...]
    onward: str | None
    "nextPageToken: there is more."
    sync: str | None
    "nextSyncToken: what to ask next time; on the last page, if Google gives one."


def window_path(calendar: str, window: Window, reader: Reader, page: str | None) -> str:
    """Everything in the window, occurrences expanded; only the fields that may be known."""
    fields = [
        *(
            "id",
            "iCalUID",
            "status",
            "start",
            "end",
            "transparency",
            "visibility",
            "eventType",
            "attendeesOmitted",
        ),
        *("attendees(email,self,responseStatus)", "hangoutLink", "conferenceData/conferenceId", "location"),
        *("workingLocationProperties/type",),
    ]
    if reader.privacy is Privacy.DETAILS:
        fields.append("summary")
    query = {
        "singleEvents": "true",
        "timeMin": stamp(window.start),
        "timeMax": stamp(window.end),
        "maxResults": str(PAGE),
        "fields": f"nextPageToken,nextSyncToken,items({','.join(fields)})",
    }
    return _events(calendar, query, page)


def changes_path(calendar: str, sync: str, page: str | None) -> str:
    """Whether anything has changed since. The window is in the token; naming it again is an error."""
    query = {
        "singleEvents": "true",
        "syncToken": sync,
        "maxResults": str(PAGE),
        "fields": "nextPageToken,nextSyncToken,items/id",
    }
    return _events(calendar, query, page)


def watch_path(calendar: str) -> str:
    return f"/calendars/{quote(calendar, safe='')}/events/watch"


STOP_PATH = "/channels/stop"
FREE_BUSY_PATH = "/freeBusy"


def channel_body(id_: str, address: str, token: str) -> Json:
    """events.watch: a channel of our own naming."""
    ttl = str(int(CHANNEL_LASTS.total_seconds()))
    return {"id": id_, "type": "web_hook", "address": address, "token": token, "params": {"ttl": ttl}}


def read_channel(answer: Json) -> tuple[str, datetime]:
    """resourceId and end of a channel. Raises `BadData`."""
    resource, expires = answer.get("resourceId"), answer.get("expiration")
    if not isinstance(resource, str) or not str(expires).isdecimal():
        raise BadData("Google opened a channel without an end")
    return resource, datetime.fromtimestamp(int(str(expires)[:16]) / 1000, UTC)


def free_busy_body(calendars: Sequence[str], window: Window) -> Json:
    """freebusy.query."""
    return {
        "timeMin": stamp(window.start),
        "timeMax": stamp(window.end),
        "timeZone": "UTC",
        "calendarExpansionMax": MOST_CALENDARS,
        "items": [{"id": calendar} for calendar in calendars],
    }


def read_object(body: bytes) -> Json:
    """A JSON object. Raises `BadData`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadData("Google's answer is not JSON") from None
    if not isinstance(document, dict):
        raise BadData("Google's answer is not a JSON object")
    return document


def read_page(document: Json) -> Page:
    """Raises `BadData` when it is no list of events."""
    onward, sync = document.get("nextPageToken"), document.get("nextSyncToken")
    leads_on = isinstance(onward, str) or isinstance(sync, str)
    items = document.get("items", [] if leads_on else None)
    if not isinstance(items, list):
        raise BadData("Google's answer is not a list of events (no “items”)")
    return Page(
        items=tuple(objects(items)),
        onward=onward if isinstance(onward, str) else None,
        sync=sync if isinstance(sync, str) else None,
    )


def read_error(body: Any) -> tuple[str, str]:
    """Reason and message of an error answer; empty where there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    first: Mapping[str, Any] = next(iter(objects(error.get("errors"))), {})
    reason = first.get("reason") or error.get("status") or ""
    return str(reason)[:60], str(error.get("message") or "")[:200]


def objects(given: Any) -> Iterable[Json]:
    return (entry for entry in given if isinstance(entry, dict)) if isinstance(given, list) else ()


def stamp(moment: datetime) -> str:
    """RFC 3339."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _events(calendar: str, query: dict[str, str], page: str | None) -> str:
    given = query if page is None else {**query, "pageToken": page}
    return f"/calendars/{quote(calendar, safe='')}/events?{urlencode(given)}"
