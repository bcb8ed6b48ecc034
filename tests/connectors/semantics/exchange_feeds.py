"""How the cases reach the Exchange connector, over the stand-in of Exchange Web Services, in both of its ways.

The form has fields of `ews_server.Item`. A whole day is written as days, from the first to the one after the last, and
is one in the person's zone.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.facts import CalendarValue
from tests.connectors.exchange.ews_server import Item
from tests.connectors.exchange.support import ALICE, office
from tests.connectors.semantics.corpus import Case
from tests.connectors.semantics.feeds import Told, link_for
from tests.support.clock import VirtualClock

WINDOWS_ZONES = {
    "America/Los_Angeles": "Pacific Standard Time",
    "Asia/Tokyo": "Tokyo Standard Time",
    "Europe/Berlin": "W. Europe Standard Time",
}


async def calendar(case: Case) -> Told:
    """By FindItem with a CalendarView, through exchangelib."""
    return await _exchange(case, "calendar")


async def availability(case: Case) -> Told:
    """By GetUserAvailability."""
    return await _exchange(case, "free-busy")


async def _exchange(case: Case, mode: str) -> Told:
    # The window is the entry's: all its mailboxes are asked for at once.
    settings = {
        key: value
        for key, value in link_for(case, "exchange", {}).settings.items()
        if key != "whole_days_count"
    }
    if mode == "calendar":
        settings |= {"notifications": False, "automatic_replies": False}
    async with office(mode=mode, clock=VirtualClock(case.start), **settings) as made:
        made.ews.put(ALICE, *(_item(given, case.zone) for given in case.forms["ews"]))
        link = replace(link_for(case, "exchange", dict(made.shared)), secret=made.secret, entry=made.entry)
        connector = made.connector(link=link)
        poll = await connector.poll(fresh=True)
    values = [fact.value for fact in poll.facts or ()]
    events = tuple(event for value in values if isinstance(value, CalendarValue) for event in value.events)
    return Told(events, poll.problems or ())


def _item(given: dict[str, Any], zone: str) -> Item:
    whole = "T" not in given["start"]
    moments = {name: _moment(given[name], zone) for name in ("start", "end")}
    lists = {name: tuple(given[name]) for name in ("categories", "guests") if name in given}
    named = {"zone": WINDOWS_ZONES[zone]} if whole else {}
    return Item(**{**given, **moments, **lists, **named, "all_day": whole})


def _moment(text: str, zone: str) -> datetime:
    if "T" in text:
        return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
