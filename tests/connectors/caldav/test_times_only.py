"""Calendars of which only times may be seen, and what an account states beside its calendars."""

from aiohttp import web

from connectors.base import Link, Poll
from connectors.facts import CalendarValue, Shows
from connectors.registry import load
from tests.connectors.caldav.test_conformance import multistatus, response
from tests.connectors.ical.texts import calendar, event
from tests.connectors.support import new_world, serve

BUSY = "BEGIN:VFREEBUSY\r\nFREEBUSY:20260302T100000Z/PT1H\r\nEND:VFREEBUSY"
OFFICE_HOURS = (
    "BEGIN:VAVAILABILITY\r\nUID:1\r\nBEGIN:AVAILABLE\r\nUID:2\r\nDTSTART:20260302T080000Z\r\nDURATION:PT9H\r\n"
    "RRULE:FREQ=DAILY\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY"
)


class Server:
    """Shows events, or times alone."""

    def __init__(self, *, shows_events: bool, availability: str = "") -> None:
        self.shows_events, self.availability = shows_events, availability
        self.asked: list[str] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body = (await request.read()).decode()
        if request.method == "PROPFIND" and "getctag" in body:
            stated = f"<c:calendar-availability><![CDATA[{self.availability}]]></c:calendar-availability>"
            kind = (
                "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:sync-token>1</d:sync-token>"
            )
            return multistatus(
                response("/h/team/", kind), response("/h/inbox/", stated if self.availability else "<d:x/>")
            )
        if request.method == "PROPFIND":
            principal = "<d:current-user-principal><d:href>/p/</d:href></d:current-user-principal>"
            home = "<c:calendar-home-set><d:href>/h/</d:href></c:calendar-home-set>"
            return multistatus(response(request.path, f"<d:resourcetype/>{principal}{home}"))
        self.asked.append("times" if "free-busy-query" in body else "events")
        if "free-busy-query" in body:
            return web.Response(text=calendar(BUSY), content_type="text/calendar")
        if not self.shows_events:
            return web.Response(status=403)
        text = calendar(event("DTSTART:20260302T200000Z", "DURATION:PT1H"))
        return multistatus(response("/h/team/1.ics", f"<c:calendar-data>{text}</c:calendar-data>"))


async def polled(server: Server, **settings: object) -> Poll:
    async with serve(server) as url, new_world() as world:
        given = {"url": url, "username": "alice", "past": "1h", "ahead": "24h", **settings}
        link = Link("alice", "caldav", "alice", given, "pw", "Europe/Berlin")
        made_of = load("caldav")
        connector = made_of.create(link, made_of.read_settings(link), world.context())
        return await connector.poll(fresh=False)  # type: ignore[union-attr]


def spans(poll: Poll, source: str) -> list[tuple[str, str, Shows]]:
    (value,) = [fact.value for fact in poll.facts or () if fact.source == source]
    assert isinstance(value, CalendarValue)
    return [(f"{each.start:%dT%H}", f"{each.end:%dT%H}", each.shows) for each in value.events]


async def test_where_events_are_not_shown_times_are_asked_for():
    server = Server(shows_events=False)
    poll = await polled(server)
    assert server.asked == ["events", "times"]
    assert spans(poll, "caldav:alice/team") == [("02T10", "02T11", Shows.BUSY)]
    assert poll.problems == ()


async def test_times_alone_are_asked_for_where_that_is_wanted():
    server = Server(shows_events=True)
    assert spans(await polled(server, detail="times"), "caldav:alice/team") == [
        ("02T10", "02T11", Shows.BUSY)
    ]
    assert server.asked == ["times"]


async def test_stated_availability_counts_where_that_is_wanted_below_the_events():
    server = Server(shows_events=True, availability=calendar(OFFICE_HOURS))
    assert [fact.source for fact in (await polled(server)).facts or ()] == ["caldav:alice/team"]
    poll = await polled(server, availability=True)
    assert spans(poll, "caldav:alice") == [
        ("02T17", "02T20", Shows.OUT_OF_OFFICE), ("02T21", "03T08", Shows.OUT_OF_OFFICE),
    ]  # fmt: skip


async def test_a_calendar_that_cannot_be_read_at_all_is_named_and_left_alone_for_a_while():
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        body = (await request.read()).decode()
        asked.append(request.method)
        if request.method == "REPORT" and "/secret/" in request.path:
            return web.Response(status=403)
        if request.method == "REPORT":
            return multistatus()
        kind = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:sync-token>1</d:sync-token>"
        assert "getctag" in body
        return multistatus(response("/h/work/", kind), response("/h/secret/", kind))

    async with serve(answer) as url, new_world() as world:
        context = world.context()
        context.state["home"] = f"{url}/h/"
        link = Link("alice", "caldav", "alice", {"url": url, "username": "alice"}, "pw")
        made_of = load("caldav")
        connector = made_of.create(link, made_of.read_settings(link), context)
        first = await connector.poll(fresh=False)  # type: ignore[union-attr]
        assert [fact.source for fact in first.facts or ()] == ["caldav:alice/work"]
        assert first.unheard == {"caldav:alice/secret"} and "secret" in (first.problems or ("",))[0]
        asked.clear()
        again = await connector.poll(fresh=False)  # type: ignore[union-attr]
        assert asked == ["PROPFIND"] and again.facts is None
        assert again.unheard == first.unheard and again.problems == first.problems
        world.clock.advance(1801)
        await connector.poll(fresh=False)  # type: ignore[union-attr]
        assert asked == ["PROPFIND", "PROPFIND", "REPORT", "REPORT"], "events, then times"
