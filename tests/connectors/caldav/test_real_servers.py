"""The CalDAV connector against Radicale and Xandikos as processes of their own."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Link
from connectors.facts import CalendarEvent, Shows
from connectors.health import HealthState
from connectors.http import Http
from connectors.schedule import CONFIRM_AFTER
from tests.connectors.caldav.servers import PASSWORD, USER, Server, running
from tests.connectors.ical.texts import calendar, event
from tests.connectors.support import LOOPBACK, World, new_world
from tests.support.clock import MONDAY_NINE


@dataclass
class CountingHttp(Http):
    """The real client; keeps what was asked, and may put another question in its place."""

    asked: list[str] = field(default_factory=list)
    instead: Callable[[bytes], bytes] = lambda body: body

    async def request(self, method, url, *, body=None, **rest):
        self.asked.append(method)
        return await super().request(method, url, body=body and self.instead(body), **rest)


@pytest.fixture(params=["radicale", "xandikos"])
def server(request):
    with running(request.param) as started:
        started.make_calendar("work", "Work")
        yield started


def meeting(hour: int, *lines: str, uid: str = "m1", day: int = 2) -> str:
    start = datetime(2026, 3, day, hour, tzinfo=UTC)
    return calendar(
        event(
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
            *lines,
            uid=uid,
        )
    )


def link(server: Server, secret: str = PASSWORD, url: str | None = None, **settings: object) -> Link:
    given = {"url": url or server.url, "username": USER, "calendars": {"Work": "work"}, **settings}
    return Link("alice-work", "caldav", "alice", given, secret, "Europe/Berlin", ("alice@example.org",))


def events(world: World) -> list[CalendarEvent]:
    return [found for fact in world.book.of("alice") for found in fact.value.events]


def starts(world: World) -> list[str]:
    return [f"{found.start:%dT%H:%M}" for found in events(world)]


@pytest.mark.parametrize("where", ["", "/", "/alice/", "home", "calendar"])
async def test_any_address_of_the_account_leads_to_its_calendars(server, where):
    server.put("work", "m1", meeting(10))
    url = server.url + {"home": server.home, "calendar": f"{server.home}work/"}.get(where, where)
    async with new_world() as world:
        world.runner.add_link(link(server, url=url))
        await world.step(1)
        assert world.health("alice-work").state is HealthState.OK, world.health("alice-work").words
        (fact,) = world.book.of("alice")
        assert (fact.source, fact.value.calendar) == ("caldav:alice-work/work", "work")
        assert starts(world) == ["02T10:00"]


async def test_a_life_of_polls(server):
    """Initial, unchanged, changed, moved, deleted; each costs what it should."""
    server.put("work", "m1", meeting(10))
    server.put("work", "old", meeting(10, uid="old", day=1))
    async with new_world(http=CountingHttp(LOOPBACK)) as world:
        world.runner.add_link(link(server))
        await world.step(1)
        assert starts(world) == ["02T10:00"]

        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND"]
        assert world.outcomes[-1] == "unchanged"

        server.put("work", "m2", meeting(14, uid="m2"))
        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND", "REPORT", "REPORT"], "what changed, then that"
        assert starts(world) == ["02T10:00", "02T14:00"]

        server.put("work", "m2", meeting(16, "SEQUENCE:1", uid="m2"))
        await world.step(61)
        assert starts(world) == ["02T10:00", "02T16:00"]

        server.delete("work", "m1")
        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND", "REPORT"]
        assert starts(world) == ["02T16:00"]
        assert world.outcomes == ["changed", "unchanged", "changed", "changed", "changed"]


async def test_an_expired_sync_token_costs_one_more_question_and_loses_nothing(server):
    server.put("work", "m1", meeting(10))
    async with new_world(http=CountingHttp(LOOPBACK)) as world:
        world.runner.add_link(link(server))
        await world.step(1)
        server.put("work", "m2", meeting(14, uid="m2"))

        def expired(body: bytes) -> bytes:
            """As a server would be asked that has forgotten the token meanwhile."""
            if b"sync-collection" not in body:
                return body
            return re.sub(rb"(<d:sync-token>[^<]*)[0-9a-f]{4}</", rb"\1dead</", body)

        world.http.instead = expired
        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND", "REPORT", "REPORT"], "refused, then all of the window"
        assert starts(world) == ["02T10:00", "02T14:00"]
        world.http.instead = lambda body: body
        server.put("work", "m3", meeting(16, uid="m3"))
        await world.step(61)
        assert starts(world) == ["02T10:00", "02T14:00", "02T16:00"]
        assert world.health("alice-work").state is HealthState.OK


async def test_a_calendar_without_sync_tokens_is_followed_by_entity_tags(server):
    server.put("work", "m1", meeting(10))
    async with new_world(http=CountingHttp(LOOPBACK)) as world:
        world.http.instead = lambda body: body.replace(b"<d:sync-token/>", b"")
        world.runner.add_link(link(server))
        await world.step(1)
        server.put("work", "m2", meeting(14, uid="m2"))
        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND", "REPORT", "REPORT"]
        server.delete("work", "m1")
        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND", "REPORT"]
        assert starts(world) == ["02T14:00"]


async def test_a_calendar_without_any_token_is_compared_each_time(server):
    server.put("work", "m1", meeting(10))
    async with new_world(http=CountingHttp(LOOPBACK)) as world:
        world.http.instead = lambda body: body.replace(b"<d:sync-token/><cs:getctag/>", b"")
        world.runner.add_link(link(server))
        await world.step(1)
        world.http.asked.clear()
        await world.step(61)
        assert world.http.asked == ["PROPFIND", "REPORT"]
        server.put("work", "m1", meeting(11, "SEQUENCE:1"))
        await world.step(61)
        assert starts(world) == ["02T11:00"]


async def test_many_changes_at_once_are_read_like_the_first_time():
    with running("xandikos") as server:
        server.make_calendar("work", "Work")
        async with new_world(http=CountingHttp(LOOPBACK)) as world:
            world.runner.add_link(link(server))
            await world.step(1)
            for number in range(201):
                server.put("work", f"m{number}", meeting(number % 12 + 8, uid=f"m{number}"))
            world.http.asked.clear()
            await world.step(61)
            assert world.http.asked == ["PROPFIND", "REPORT", "REPORT"]
            assert len(starts(world)) == 201


async def test_a_calendar_that_is_suddenly_empty_is_asked_again_before_it_is_believed(server):
    server.put("work", "m1", meeting(10))
    async with new_world(http=CountingHttp(LOOPBACK)) as world:
        world.runner.add_link(link(server))
        await world.step(1)
        server.delete("work", "m1")
        await world.step(61)
        assert starts(world) == ["02T10:00"], "not believed yet"
        assert "suddenly" in world.health("alice-work").words
        world.http.asked.clear()
        await world.step(CONFIRM_AFTER)
        assert world.http.asked == ["PROPFIND", "REPORT"], "asked afresh"
        assert starts(world) == []
        assert world.outcomes == ["changed", "suspect", "changed"]


async def test_a_vanished_calendar_becomes_unknown_not_free(server):
    server.put("work", "m1", meeting(10))
    async with new_world() as world:
        world.runner.add_link(link(server))
        await world.step(1)
        assert server.ask("DELETE", f"{server.home}work/") in (200, 204)
        await world.step(61)
        assert world.forgotten == []
        await world.step(CONFIRM_AFTER)
        assert world.forgotten == ["caldav:alice-work/work"]
        health = world.health("alice-work")
        assert health.state is HealthState.PARTIAL and "Work" in health.problems[0]


async def test_a_killed_server_is_unreachable_its_future_stays_known_and_it_recovers(server):
    server.put("work", "m1", meeting(10))
    server.put("work", "m2", meeting(12, uid="m2"))
    async with new_world() as world:
        world.runner.add_link(link(server, stale_after="2h"))
        await world.step(1)
        server.kill()
        await world.step(61)
        assert world.health("alice-work").state is HealthState.UNREACHABLE
        assert "connection refused" in world.health("alice-work").words
        assert starts(world) == ["02T10:00", "02T12:00"]
        assert not world.book.of("alice")[0].is_stale(world.clock.now())
        for _ in range(8):
            await world.step(901)
        assert world.book.of("alice")[0].is_stale(world.clock.now())
        assert world.health("alice-work").stale
        server.start()
        await world.step(1000)
        assert world.health("alice-work").state is HealthState.OK
        assert not world.book.of("alice")[0].is_stale(world.clock.now())


async def test_a_series_with_exceptions(server):
    series = event(
        "DTSTART;TZID=Europe/Berlin:20260223T100000",
        "DTEND;TZID=Europe/Berlin:20260223T110000",
        "RRULE:FREQ=DAILY",
        "EXDATE;TZID=Europe/Berlin:20260303T100000",
        uid="daily",
    )
    moved = event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20260302T100000",
        "DTSTART;TZID=Europe/Berlin:20260302T150000",
        "DTEND;TZID=Europe/Berlin:20260302T153000",
        uid="daily",
    )
    server.put("work", "daily", calendar(series, moved))
    async with new_world() as world:
        world.runner.add_link(link(server, ahead="54h"))
        await world.step(1)
        found = [(f"{entry.start:%dT%H:%M}", entry.end - entry.start) for entry in events(world)]
        assert found == [("02T14:00", timedelta(minutes=30)), ("04T09:00", timedelta(hours=1))]


async def test_floating_and_whole_day_events_are_in_the_persons_zone(server):
    server.put("work", "f", calendar(event("DTSTART:20260302T233000", "DTEND:20260303T003000", uid="f")))
    whole = event("DTSTART;VALUE=DATE:20260303", "TRANSP:OPAQUE", uid="d")
    server.put("work", "d", calendar(whole))
    async with new_world() as world:
        world.runner.add_link(link(server))
        await world.step(1)
        assert [(f"{entry.start:%dT%H:%M}", entry.all_day) for entry in events(world)] == [
            ("02T22:30", False),
            ("02T23:00", True),
        ]


async def test_what_does_not_count_and_what_counts_otherwise(server):
    server.put("work", "a", meeting(10, "STATUS:CANCELLED", uid="a"))
    server.put("work", "b", meeting(11, "TRANSP:TRANSPARENT", uid="b"))
    server.put("work", "c", meeting(12, "X-MICROSOFT-CDO-BUSYSTATUS:OOF", uid="c"))
    server.put(
        "work",
        "d",
        meeting(
            13, "ORGANIZER:mailto:b@x.org", "ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.org", uid="d"
        ),
    )
    async with new_world() as world:
        world.runner.add_link(link(server))
        await world.step(1)
        assert [entry.shows for entry in events(world)] == [Shows.FREE, Shows.OUT_OF_OFFICE]


async def test_a_refused_series_is_named_and_the_others_count(server):
    server.put("work", "good", meeting(10, uid="good"))
    bomb = event("DTSTART:20260302T100000Z", "DURATION:PT1M", "RRULE:FREQ=MINUTELY;COUNT=3", uid="bomb")
    server.put("work", "bomb", calendar(bomb))
    async with new_world() as world:
        world.runner.add_link(link(server))
        await world.step(1)
        assert starts(world) == ["02T10:00"]
        health = world.health("alice-work")
        assert health.state is HealthState.PARTIAL
        assert any("bomb" in problem and "MINUTELY" in problem for problem in health.problems)


async def test_without_a_choice_every_calendar_counts_under_its_own_name(server):
    server.make_calendar("duty", "On call")
    server.put("duty", "m1", meeting(10))
    async with new_world() as world:
        world.runner.add_link(link(server, calendars={}))
        await world.step(1)
        meanings = {fact.value.calendar: len(fact.value.events) for fact in world.book.of("alice")}
        assert meanings["Work"] == 0 and meanings["On call"] == 1


async def test_a_calendar_that_does_not_exist_is_named(server):
    async with new_world() as world:
        world.runner.add_link(link(server, calendars={"Work": "work", "On call": "on-call"}))
        await world.step(1)
        health = world.health("alice-work")
        assert health.state is HealthState.PARTIAL
        assert health.problems == ("there is no calendar “On call”",)


async def test_the_window_is_read_anew_before_it_wears_out(server):
    server.put("work", "later", meeting(10, uid="later", day=5))
    async with new_world() as world:
        world.runner.add_link(link(server, interval="1h"))
        await world.step(1)
        assert starts(world) == []
        for _ in range(30):
            await world.step(4000)
        assert starts(world) == ["05T10:00"]
        assert world.clock.now() < MONDAY_NINE + timedelta(hours=48)


async def test_a_wrong_password_is_no_outage():
    with running("radicale") as server:
        server.make_calendar("work", "Work")
        async with new_world() as world:
            world.runner.add_link(link(server, secret="wrong horse"))
            await world.step(1)
            health = world.health("alice-work")
            assert health.state is HealthState.AUTH_FAILED
            assert "password" in health.words and "wrong horse" not in repr(world.told)
            world.runner.remove_link("alice-work")
            world.runner.add_link(link(server))
            await world.step(1)
            assert world.health("alice-work").state is HealthState.OK


async def test_a_remembered_home_is_used_and_looked_for_again_when_it_is_gone():
    with running("radicale") as server:
        server.make_calendar("work", "Work")
        server.put("work", "m1", meeting(10))
        memory: dict[str, str] = {}
        async with new_world(http=CountingHttp(LOOPBACK)) as world:
            world.runner._memory_of = lambda owner, settings: (memory, {})
            world.runner.add_link(link(server))
            await world.step(1)
            assert memory == {"home": f"{server.url}/alice/"}
            world.http.asked.clear()
            world.runner.add_link(link(server))
            await world.step(1)
            assert world.http.asked == ["PROPFIND", "REPORT"]
            memory["home"] = f"{server.url}/alice/moved/"
            world.runner.add_link(link(server))
            await world.step(1)
            assert world.health("alice-work").state is HealthState.OK
            assert memory == {"home": f"{server.url}/alice/"}


async def test_a_bomb_on_which_the_server_itself_hangs_is_named_and_the_others_count():
    with running("radicale") as server:
        server.make_calendar("work", "Work")
        server.put("work", "good", meeting(10, uid="good"))
        bomb = event("DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=MINUTELY", uid="bomb")
        server.put("work", "bomb", calendar(bomb))
        async with new_world(http=CountingHttp(LOOPBACK, timeout=3)) as world:
            world.runner.add_link(link(server))
            await world.step(1)
            assert starts(world) == ["02T10:00"], world.health("alice-work").words
            assert any("bomb" in problem for problem in world.health("alice-work").problems)
            server.put("work", "m2", meeting(12, uid="m2"))
            world.http.asked.clear()
            await world.step(61)
            assert starts(world) == ["02T10:00", "02T12:00"]
            assert world.http.asked == ["PROPFIND", "REPORT"]
