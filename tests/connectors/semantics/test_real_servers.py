"""Every case that fits into a calendar, by way of real CalDAV servers: what they make of it must not change it."""

import re
from collections import defaultdict
from dataclasses import replace

import pytest

from connectors.base import Link
from connectors.facts import CalendarValue
from connectors.registry import load
from tests.connectors.caldav.servers import PASSWORD, USER, Server, running
from tests.connectors.semantics.corpus import Case, cases, expected, told
from tests.connectors.semantics.feeds import link_for
from tests.connectors.support import World, new_world
from tests.support.clock import VirtualClock

HANGS = {"every second for ever"}
"On a question for a time range Radicale never answers with such an event in the calendar."
REFUSED = {
    # vobject, which Radicale reads with, knows no RDATE that is a period in a zone.
    "radicale": {"further dates"},
    "xandikos": set(),
}
"Cases that a server does not take."
REWRITTEN = {
    # They store PT24H as P1D, which is an hour less on that day.
    "radicale": {"over the change of the clocks"},
    "xandikos": {"over the change of the clocks"},
}
"Cases that a server stores as something else."
WAYS = [case for case in cases("ical") if not case.only and case.name not in HANGS]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["radicale", "xandikos"])
async def test_every_case_by_way_of_a_server(kind: str) -> None:
    wrong, refused = {}, set()
    with running(kind) as server:
        async with new_world() as world:
            for number, case in enumerate(WAYS):
                slug = f"case{number}"
                server.make_calendar(slug, slug)
                if store(server, slug, case):
                    heard = await polled(world, server, slug, case)
                    if heard != expected(case):
                        wrong[case.name] = heard
                else:
                    refused.add(case.name)
                server.ask("DELETE", f"{server.home}{slug}/")
    assert refused == REFUSED[kind]
    assert wrong.keys() == REWRITTEN[kind], wrong


def store(server: Server, slug: str, case: Case) -> bool:
    """One object per UID, each with the zones of the case; False: the server does not take one."""
    parts = re.findall(r"BEGIN:(VEVENT|VTIMEZONE)\r\n(.*?)END:\1\r\n", case.ical, re.DOTALL)
    zones = "".join(
        f"BEGIN:VTIMEZONE\r\n{text}END:VTIMEZONE\r\n" for name, text in parts if name == "VTIMEZONE"
    )
    by_uid = defaultdict(list)
    for name, text in parts:
        if name == "VEVENT":
            (uid,) = re.findall(r"^UID:(.*)\r$", text, re.MULTILINE)
            by_uid[uid].append(f"BEGIN:VEVENT\r\n{text}END:VEVENT\r\n")
    for uid, events in by_uid.items():
        text = (
            f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{zones}{''.join(events)}END:VCALENDAR\r\n"
        )
        if server.ask("PUT", f"{server.home}{slug}/{uid}.ics", text, "text/calendar") not in (201, 204):
            return False
    return True


async def polled(world: World, server: Server, slug: str, case: Case) -> object:
    settings = {"url": f"{server.url}{server.home}", "username": USER, "calendars": {slug: "case"}}
    made = link_for(case, "caldav", settings)
    link = Link(
        made.id, made.connector, made.person, made.settings, PASSWORD, made.zone, made.addresses, made.privacy
    )
    made_of = load("caldav")
    connector = made_of.create(
        link, made_of.read_settings(link), replace(world.context(), clock=VirtualClock(case.start))
    )
    poll = await connector.poll(fresh=True)  # type: ignore[union-attr]
    values = [fact.value for fact in poll.facts or ()]
    return told(
        tuple(event for value in values if isinstance(value, CalendarValue) for event in value.events)
    )
