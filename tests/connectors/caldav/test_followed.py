"""Servers that cut their answers short or know only part of the protocol; a person who travels."""

from dataclasses import replace

from aiohttp import web

from connectors.base import Link
from connectors.facts import CalendarValue
from tests.connectors.caldav.test_conformance import response
from tests.connectors.ical.texts import calendar, event
from tests.connectors.support import World, new_world, serve

HEAD = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'


class Server:
    """One calendar whose changes are told in pages of ``page``; ``knows`` says which reports it has heard of."""

    def __init__(
        self, *, page: int = 100, knows: str = "sync-collection calendar-multiget calendar-query"
    ) -> None:
        self.page, self.knows = page, knows.split()
        self.objects: dict[str, str] = {}
        self.log: list[str] = []
        "Names of objects as they were changed: a token is a place in it."
        self.asked: list[str] = []

    def put(self, name: str, hour: int, zone: str = "Z") -> None:
        self.objects[name] = calendar(
            event(f"DTSTART:20260302T{hour:02}0000{zone}", "DURATION:PT1H", uid=name)
        )
        self.log.append(name)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body = (await request.read()).decode()
        if request.method == "PROPFIND":
            kind = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>"
            return self._answer(response("/h/work/", f"{kind}<d:sync-token>{len(self.log)}</d:sync-token>"))
        report = body.partition("<c:")[2].partition(" ")[0]
        if "<d:sync-collection" in body:
            report = "sync-collection"
        self.asked.append(report)
        if report not in self.knows:
            return web.Response(status=501)
        if report == "sync-collection":
            return self._changes(int(body.partition("<d:sync-token>")[2].partition("<")[0]))
        names = [name for name in self.objects if report == "calendar-query" or f"/h/work/{name}" in body]
        return self._answer(*(self._object(name, "calendar-data" in body) for name in names))

    def _changes(self, since: int) -> web.Response:
        until = min(since + self.page, len(self.log))
        found = [self._object(name, False) for name in dict.fromkeys(self.log[since:until])]
        if until < len(self.log):
            cut = "<d:status>HTTP/1.1 507 Insufficient Storage</d:status>"
            found.append(f"<d:response><d:href>/h/work/</d:href>{cut}</d:response>")
        return self._answer(*found, f"<d:sync-token>{until}</d:sync-token>")

    def _object(self, name: str, text: bool) -> str:
        data = f"<c:calendar-data>{self.objects[name]}</c:calendar-data>" if text else ""
        return response(f"/h/work/{name}", f'<d:getetag>"{self.log.count(name)}"</d:getetag>{data}')

    def _answer(self, *inner: str) -> web.Response:
        text = f"{HEAD}{''.join(inner)}</d:multistatus>"
        return web.Response(status=207, text=text, content_type="application/xml")


def linked(world: World, url: str, zone: str = "Europe/Berlin") -> Link:
    link = Link("alice", "caldav", "alice", {"url": url, "username": "alice"}, "pw", zone)
    world.runner._memory_of = lambda owner, settings: ({"home": f"{url}/h/"}, {})
    world.runner.add_link(link)
    return link


def starts(world: World) -> list[str]:
    values = [fact.value for fact in world.book.of("alice")]
    return [
        f"{each.start:%dT%H}" for value in values if isinstance(value, CalendarValue) for each in value.events
    ]


async def test_an_answer_that_is_cut_short_is_asked_for_to_its_end():
    server = Server(page=2)
    async with serve(server) as url, new_world() as world:
        server.put("a", 10)
        linked(world, url)
        await world.step(1)
        for number in range(5):
            server.put(f"n{number}", 11 + number)
        server.asked.clear()
        await world.step(61)
        assert server.asked == ["sync-collection"] * 3 + ["calendar-multiget"]
        assert starts(world) == [f"02T{hour}" for hour in range(10, 16)]


async def test_a_server_with_tokens_that_does_not_know_the_report_is_followed_by_entity_tags():
    server = Server(knows="calendar-multiget calendar-query")
    async with serve(server) as url, new_world() as world:
        server.put("a", 10)
        linked(world, url)
        await world.step(1)
        server.put("b", 12)
        await world.step(61)
        assert starts(world) == ["02T10", "02T12"]
        server.put("c", 14)
        server.asked.clear()
        await world.step(61)
        assert server.asked == ["calendar-query", "calendar-multiget"], "it is not asked for it again"
        assert starts(world) == ["02T10", "02T12", "02T14"]


async def test_a_person_who_travels_takes_floating_times_along():
    server = Server()
    async with serve(server) as url, new_world() as world:
        server.put("jogging", 17, zone="")
        server.put("review", 14)
        link = linked(world, url)
        await world.step(1)
        assert starts(world) == ["02T14", "02T16"], "17:00 in Berlin, and a meeting in UTC"
        world.runner.change_link(replace(link, zone="America/New_York"))
        await world.step(1)
        assert starts(world) == ["02T14", "02T22"], "17:00 in New York; the meeting stays"
