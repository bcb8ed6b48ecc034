"""From what a source says of an event to the event that may be known. Pure; the same for every calendar source."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connectors.facts import CalendarEvent, Shows
from connectors.privacy import Privacy

MAX_WORDS = 300
"Characters of a title, place or category."


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a calendar is read."""

    addresses: frozenset[str] = frozenset()
    "The person's e-mail addresses, lower case."
    privacy: Privacy = Privacy.BUSY
    whole_days_count: bool = False
    "Whole-day events without a word about it are busy."


def event_told(
    reader: Reader,
    *,
    start: datetime,
    end: datetime,
    shows: Shows,
    all_day: bool = False,
    private: bool = False,
    title: str = "",
    place: str = "",
    categories: Iterable[str] = (),
    attendees: int | None = None,
    online_meeting: bool = False,
    uid: str = "",
) -> CalendarEvent | None:
    """Private events keep their times and lose their words; so do all as far as the person's privacy level wants it.
    None: something that takes no time shows nothing."""
    if end <= start:
        return None
    words = reader.privacy is Privacy.DETAILS and not private
    labels = reader.privacy is not Privacy.BUSY and not private
    return CalendarEvent(
        start=start,
        end=end,
        shows=shows,
        all_day=all_day,
        private=private,
        title=(title[:MAX_WORDS] or None) if words else None,
        place=(place[:MAX_WORDS] or None) if words else None,
        categories=tuple(dict.fromkeys(part[:MAX_WORDS] for part in categories)) if labels else (),
        attendees=attendees,
        online_meeting=online_meeting,
        uid=uid,
    )
