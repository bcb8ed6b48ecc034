"""How the cases reach the connectors: one feed per connector, each over a stand-in of its source.

Other sources have theirs beside their own tests; `test_semantics.py` brings all together.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.sax.saxutils import escape

from aiohttp import web

from connectors.base import Failed, Link, Poll
from connectors.errors import ConnectorError
from connectors.facts import CalendarEvent, CalendarValue
from connectors.registry import load
from connectors.workshop import Workshop
from tests.connectors.semantics.corpus import ADDRESSES, Case
from tests.connectors.support import new_world, serve
from tests.support.clock import VirtualClock


@dataclass(frozen=True)
class Told:
    """What a connector made of a case."""

    events: tuple[CalendarEvent, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Feed:
    """One connector over a stand-in of its source."""

    connector: str
    form: str
    "Which form of a case it takes."
    events: Callable[[Case], Awaitable[Told]]
    cannot_tell: frozenset[str] = field(default=frozenset())
    "Details (`corpus.DETAILS`) that this source does not tell."


class AtOnce(Workshop):
    """Works in this process: hundreds of cases would start as many children."""

    async def each(self, function, items, *, limit):
        return [self._attempt(function, item) for item in items]

    def _attempt(self, function, item):
        try:
            return function(*item)
        except ConnectorError as error:
            return Failed(error.what)


async def polled(case: Case, link: Link, url: str = "") -> Told:
    """One poll of a connector for this case, at the beginning of its window."""
    async with new_world(clock=VirtualClock(case.start), workshop=AtOnce()) as world:
        made_of = load(link.connector)
        connector = made_of.create(link, made_of.read_settings(link), world.context())
        poll: Poll = await connector.poll(fresh=True)  # type: ignore[union-attr]
        await connector.close()
        values = [fact.value for fact in poll.facts or ()]
        events = tuple(
            event for value in values if isinstance(value, CalendarValue) for event in value.events
        )
        return Told(events, poll.problems or ())


def link_for(case: Case, connector: str, settings: dict[str, object]) -> Link:
    """A link of the person of all cases that sees the case's window and nothing else."""
    ahead = f"{int((case.end - case.start).total_seconds())}s"
    pace = {"past": "0s", "ahead": ahead, "stale_after": "1h", "whole_days_count": case.whole_days_count}
    return Link(
        id="alice",
        connector=connector,
        person="alice",
        settings={**pace, **settings},
        secret="correct horse",
        zone=case.zone,
        addresses=ADDRESSES,
        privacy=case.privacy,
    )


async def ics_feed(case: Case) -> Told:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=case.ical, content_type="text/calendar")

    async with serve(answer) as url:
        return await polled(case, link_for(case, "ics_feed", {"url": f"{url}/alice.ics"}))


async def caldav(case: Case) -> Told:
    async with caldav_stand_in({"work/case.ics": case.ical}) as url:
        return await polled(case, link_for(case, "caldav", {"url": url, "username": "alice"}))


@asynccontextmanager
async def caldav_stand_in(objects: dict[str, str]) -> AsyncIterator[str]:
    """A CalDAV server that knows the calendar `work` and gives every object whatever time range is asked for; gives
    the address of the calendar home. ``objects``: path below the home -> text."""

    async def answer(request: web.BaseRequest) -> web.Response:
        body = (await request.read()).decode()
        if request.method == "PROPFIND" and "resourcetype" in body and request.headers["Depth"] == "1":
            return _multistatus(
                "<d:response><d:href>/cal/work/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/>"
                "<c:calendar/></d:resourcetype><d:displayname>Work</d:displayname><d:sync-token>1</d:sync-token>"
                "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            )
        if request.method == "PROPFIND":
            return _multistatus(
                f"<d:response><d:href>{request.path}</d:href><d:propstat><d:prop><d:resourcetype><d:collection/>"
                "</d:resourcetype><d:current-user-principal><d:href>/me/</d:href></d:current-user-principal>"
                "<c:calendar-home-set><d:href>/cal/</d:href></c:calendar-home-set></d:prop>"
                "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            )
        return _multistatus(
            "".join(
                f'<d:response><d:href>/cal/{quote(path)}</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag>'
                f"<c:calendar-data>{escape(text)}</c:calendar-data></d:prop><d:status>HTTP/1.1 200 OK</d:status>"
                "</d:propstat></d:response>"
                for path, text in objects.items()
            )
        )

    async with serve(answer) as url:
        yield f"{url}/cal/"


def _multistatus(inner: str) -> web.Response:
    text = (
        '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        f"{inner}</d:multistatus>"
    )
    return web.Response(status=207, text=text, content_type="application/xml")


FEEDS = (
    Feed("caldav", "ical", caldav),
    Feed("ics_feed", "ical", ics_feed),
)
