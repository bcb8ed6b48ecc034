"""How the cases reach the connectors of Microsoft 365 and Google, over the stand-ins of both.

Forms may write a moment as `2026-03-02T09:00Z` and a whole day as `2026-03-03`; what they leave out is as an ordinary
event has it.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Link
from connectors.facts import CalendarValue
from tests.connectors.google import google_server
from tests.connectors.google import support as google
from tests.connectors.microsoft import graph_server
from tests.connectors.microsoft import support as microsoft
from tests.connectors.semantics.corpus import ADDRESSES, Case
from tests.connectors.semantics.feeds import Told, link_for
from tests.support.clock import VirtualClock

Json = dict[str, Any]
ALICE = ADDRESSES[0]


async def graph(case: Case) -> Told:
    """By event: delta and calendarView."""
    return await _graph(case, "calendar")


async def schedule(case: Case) -> Told:
    """By getSchedule."""
    return await _graph(case, "free-busy")


async def _graph(case: Case, mode: str) -> Told:
    async with microsoft.office(mode=mode, clock=VirtualClock(case.start)) as made:
        mailbox = made.server.mailbox(ALICE)
        mailbox.zone = case.zone
        for given in case.forms["graph"]:
            mailbox.put(_graph_event(given))
        link = _link(case, "microsoft", made)
        return await _told(made.connector(link=link))


async def calendar_api(case: Case) -> Told:
    """By events.list."""
    async with google.office(clock=VirtualClock(case.start)) as made:
        calendar = made.server.calendar(ALICE)
        for given in case.forms["google"]:
            calendar.put(_google_event(given))
        return await _told(made.connector(link=_link(case, "google", made)))


def _link(case: Case, connector: str, made: Any) -> Link:
    return replace(link_for(case, connector, dict(made.shared)), secret=made.secret, entry=made.entry)


async def _told(connector: Any) -> Told:
    poll = await connector.poll(fresh=True)
    await connector.close()
    values = [fact.value for fact in poll.facts or ()]
    events = tuple(event for value in values if isinstance(value, CalendarValue) for event in value.events)
    return Told(events, poll.problems or ())


def _graph_event(given: Json) -> Json:
    moments = {name: _graph_moment(given[name]) for name in ("start", "end")}
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return graph_server.event(now, now + timedelta(hours=1), **{**given, **moments})


def _graph_moment(given: Any) -> Json:
    if isinstance(given, dict):
        return given
    text = given.removesuffix("Z") if "T" in given else f"{given}T00:00"
    return {"dateTime": f"{text}:00.0000000", "timeZone": "UTC"}


def _google_event(given: Json) -> Json:
    moments = {name: _google_moment(given[name]) for name in ("start", "end")}
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return google_server.event(now, now + timedelta(hours=1), **{**given, **moments})


def _google_moment(given: Any) -> Json:
    if isinstance(given, dict):
        return given
    if "T" not in given:
        return {"date": given}
    return {"dateTime": f"{given.removesuffix('Z')}:00Z", "timeZone": "Europe/Berlin"}
