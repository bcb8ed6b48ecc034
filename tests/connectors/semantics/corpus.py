"""The cases of the semantics table: what events mean, whatever source they come from.

Each file in ``cases/`` has cases of one subject. A case has up to four *forms* of the same events (``ical``, ``graph``,
``google``, ``ews``), and the facts that each of them must give. docs/calendars.md has the rows that cases belong to.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors.calendar_event import Reader
from connectors.facts import CalendarEvent, Shows
from connectors.privacy import Privacy

CASES = Path(__file__).parent / "cases"
FORMS = ("ical", "graph", "google", "ews")
ADDRESSES = ("alice@example.org", "alice@example.com")
"Of the person whose calendar all cases are."
DETAILS = frozenset({"title", "place", "categories", "attendees", "online_meeting", "private", "all_day"})
"What a form may be unable to tell; times and `shows` every form tells."
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?|P(\d+)D")


@dataclass(frozen=True)
class Expected:
    """One event as every form must give it, ``uid`` aside."""

    start: datetime
    end: datetime
    shows: Shows
    all_day: bool = False
    private: bool = False
    title: str | None = None
    place: str | None = None
    categories: tuple[str, ...] = ()
    attendees: int | None = None
    online_meeting: bool = False


@dataclass(frozen=True)
class Case:
    """``start`` … ``end`` is the window, aware UTC; the clock stands at ``start``."""

    name: str
    row: str
    "The row of the table in docs/calendars.md."
    expect: tuple[Expected, ...]
    problems: int
    "How many things have to be reported."
    forms: dict[str, Any]
    cannot: dict[str, str]
    "Form -> why these events can't be written in it."
    start: datetime
    end: datetime
    zone: str = "Europe/Berlin"
    privacy: Privacy = Privacy.DETAILS
    whole_days_count: bool = False
    only: frozenset[str] = field(default=frozenset())
    "Connectors that this case is for, where not all that take the form can have it (`ics_feed`)."

    @property
    def reader(self) -> Reader:
        return Reader(frozenset(ADDRESSES), self.privacy, self.whole_days_count)

    @property
    def ical(self) -> str:
        """The `ical` form as one calendar."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Lamplighter//semantics//EN"]
        for line in self.forms["ical"].strip().splitlines():
            lines.append(line)
            if line in ("BEGIN:VEVENT", "BEGIN:VFREEBUSY", "BEGIN:VAVAILABILITY", "BEGIN:AVAILABLE"):
                lines.append("DTSTAMP:20260101T000000Z")
        return "\r\n".join([*lines, "END:VCALENDAR", ""])


@cache
def cases(form: str | None = None) -> tuple[Case, ...]:
    """All, or those that have this form."""
    found = [
        _case(given)
        for file in sorted(CASES.glob("*.yaml"))
        for given in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]
    return tuple(case for case in found if form is None or form in case.forms)


def told(events: tuple[CalendarEvent, ...], without: frozenset[str] = frozenset()) -> list[Expected]:
    """What a connector gave, in the shape that cases expect. ``without``: what its source can't tell."""
    names = Expected.__dataclass_fields__
    return [
        _reduced(Expected(**{name: getattr(event, name) for name in names}), without)
        for event in sorted(events, key=lambda each: (each.start, each.end, each.title or ""))
    ]


def expected(case: Case, without: frozenset[str] = frozenset()) -> list[Expected]:
    """Likewise what the case expects."""
    events = sorted(case.expect, key=lambda each: (each.start, each.end, each.title or ""))
    return [_reduced(event, without) for event in events]


def _reduced(event: Expected, without: frozenset[str]) -> Expected:
    assert without <= DETAILS
    values = {
        name: value
        for name in Expected.__dataclass_fields__
        if name not in without and (value := getattr(event, name)) is not None
    }
    return Expected(**values)


def _case(given: dict[str, Any]) -> Case:
    unknown = given.keys() - {
        "name", "row", "expect", "problems", "cannot", "window", "zone", "privacy", "whole_days_count", "only", *FORMS,
    }  # fmt: skip
    assert not unknown, f"{given.get('name')}: {unknown}"
    start, end = _span(given.get("window", "2026-03-02T00:00Z/P7D"))
    return Case(
        name=given["name"],
        row=given["row"],
        expect=tuple(_expected(each) for each in given["expect"]),
        problems=given.get("problems", 0),
        forms={form: given[form] for form in FORMS if form in given},
        cannot=given.get("cannot", {}),
        start=start,
        end=end,
        zone=given.get("zone", "Europe/Berlin"),
        privacy=Privacy(given.get("privacy", "details")),
        whole_days_count=given.get("whole_days_count", False),
        only=frozenset(given.get("only", ())),
    )


def _expected(given: dict[str, Any]) -> Expected:
    start, end = _span(given["at"])
    rest = {key: value for key, value in given.items() if key not in ("at", "shows", "online")}
    if "categories" in rest:
        rest["categories"] = tuple(rest["categories"])
    return Expected(start, end, Shows(given["shows"]), online_meeting=given.get("online", False), **rest)


def _span(text: str) -> tuple[datetime, datetime]:
    """``2026-03-02T09:00Z/PT1H`` or ``…/2026-03-02T10:00Z``"""
    first, _, last = text.partition("/")
    start = _moment(first)
    match = _DURATION.fullmatch(last)
    if match is None:
        return start, _moment(last)
    hours, minutes, seconds, days = (int(part or 0) for part in match.groups())
    return start, start + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
