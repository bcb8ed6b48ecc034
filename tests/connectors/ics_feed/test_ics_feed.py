"""The feed connector: conformance, conditions, hashes, secrets, and the same meaning as by CalDAV."""

import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from connectors.base import Failed, Link
from connectors.conformance import ConnectorConformance
from connectors.errors import BadData
from connectors.health import HealthState
from connectors.ical.read import read
from connectors.ics_feed.mapping import decode, split_feed
from tests.connectors.ical.texts import ALICE, MONDAY, calendar, event
from tests.connectors.stand_ins import http_source
from tests.connectors.support import new_world, serve

ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Odd",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0300",
    "TZOFFSETTO:+0300",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def meeting(hour: int, *lines: str, uid: str = "m1") -> str:
    return event(f"DTSTART:20260302T{hour:02}0000Z", "DURATION:PT1H", *lines, uid=uid)


class TestConformance(ConnectorConformance):
    name = "ics_feed"
    package = "connectors.ics_feed"

    @asynccontextmanager
    async def source(self):
        def answer(request: web.BaseRequest, body: bytes, changes: int) -> web.Response:
            return web.Response(text=calendar(meeting(10 + changes)))

        def link(url: str) -> Link:
            return Link("team", "ics_feed", "alice", {"url": url, "username": "alice"}, "correct horse")

        async with http_source(answer, link) as source:
            yield source


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 500_000,
        "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\nUID:" * 300_000,
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1" + "\r\n 1" * 1_000_000 + "\r\nEND:VEVENT\r\nEND:VCALENDAR",
    ],
    ids=["begun-only", "begun-in-one-line", "a-folded-name"],
)
async def test_a_text_made_to_be_hard_to_take_apart_is_taken_apart_in_time(text):
    async with new_world() as world:
        (before,) = await world.workshop.each(time.process_time, [()], limit=1.0)
        (found,) = await world.workshop.each(split_feed, [(text,)], limit=1.0)
        (after,) = await world.workshop.each(time.process_time, [()], limit=1.0)
        assert after - before < 1.2
        assert isinstance(found, Failed) or len(found) <= 1


class Feed:
    def __init__(self) -> None:
        self.text = calendar(meeting(10))
        self.tagged = True
        self.statuses: list[int] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        tag = f'"{hash(self.text)}"'
        same = self.tagged and request.headers.get("If-None-Match") == tag
        self.statuses.append(304 if same else 200)
        if same:
            return web.Response(status=304)
        return web.Response(text=self.text, headers={"ETag": tag} if self.tagged else {})


@pytest.mark.parametrize("tagged", [True, False])
async def test_an_unchanged_feed_is_not_read_again_until_the_window_wears_out(tagged):
    feed = Feed()
    feed.tagged = tagged
    async with serve(feed) as url, new_world() as world:
        world.runner.add_link(Link("team", "ics_feed", "alice", {"url": url, "interval": "1h"}))
        await world.step(1)
        await world.step(4000)
        assert world.outcomes == ["changed", "unchanged"]
        assert feed.statuses == [200, 304 if tagged else 200]
        (before,) = world.book.of("alice")
        for _ in range(12):
            await world.step(4000)
        (after,) = world.book.of("alice")
        assert after.value.window_end > before.value.window_end
        feed.text = calendar(meeting(10), event("DTSTART:20260302T230000Z", "DURATION:PT1H", uid="m2"))
        await world.step(4000)
        assert [found.uid for found in world.book.of("alice")[0].value.events] == ["m2"]


async def test_the_secret_may_be_the_address_and_is_told_to_nobody(caplog):
    feed = Feed()
    async with serve(feed) as url, new_world() as world:
        world.runner.add_link(Link("team", "ics_feed", "alice", {}, f"{url}/private-s3cr3t/basic.ics"))
        await world.step(1)
        assert world.health("team").state is HealthState.OK
        feed.text = "<html>"
        world.runner.poll_now("team")
        await world.step(1)
        assert world.health("team").state is HealthState.BAD_DATA
    world_after = caplog.text + repr(world.told) + repr(world.emitted)
    assert "s3cr3t" not in world_after


@pytest.mark.parametrize(
    ("secret", "word"), [(None, "no address"), ("s3cr3t not an address", "not a web address")]
)
async def test_a_link_without_an_address_is_misconfigured(secret, word):
    async with new_world() as world:
        health = world.runner.add_link(Link("team", "ics_feed", "alice", {}, secret))
        assert health.state is HealthState.MISCONFIGURED
        assert word in health.words and "s3cr3t" not in health.words


async def test_a_hostile_event_is_named_and_the_others_count():
    feed = Feed()
    bomb = "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"
    hostile = event("DTSTART:19700101T000000Z", "DURATION:PT1M", bomb, uid="bomb")
    feed.text = calendar(meeting(10), hostile, event("SUMMARY:x", uid="broken"))
    async with serve(feed) as url, new_world() as world:
        world.runner.add_link(Link("team", "ics_feed", "alice", {"url": url, "calendar": "work"}))
        await world.step(1)
        (fact,) = world.book.of("alice")
        assert [found.uid for found in fact.value.events] == ["m1"] and fact.value.calendar == "work"
        health = world.health("team")
        assert health.state is HealthState.PARTIAL
        assert any("bomb" in problem for problem in health.problems)
        assert any("broken" in problem for problem in health.problems)


def test_splitting_changes_nothing():
    zone = "\r\n".join(ZONE)
    series = event("DTSTART;TZID=Odd:20260301T120000", "DURATION:PT1H", "RRULE:FREQ=DAILY", uid="s")
    override = event(
        "RECURRENCE-ID;TZID=Odd:20260302T120000", "DTSTART:20260302T200000Z", "DURATION:PT1H", uid="s"
    )
    text = calendar(
        zone, series, meeting(10), override, event("DTSTART:20260302T150000Z", "DURATION:PT1H", uid="")
    )
    window = (MONDAY, MONDAY.replace(day=4), "UTC", ALICE)
    whole = read(text, *window)
    for form in (text, text.replace("\r\n", "\n")):
        parts = [read(part, *window) for part in split_feed(form)]
        events = sorted((found for part in parts for found in part.events), key=lambda found: found.start)
        assert tuple(events) == whole.events and len(events) == 4
        assert not any(part.problems for part in parts)


@pytest.mark.parametrize("text", ["", "<html></html>", "BEGIN:VCARD"])
def test_what_is_no_calendar(text):
    with pytest.raises(BadData, match="not an iCalendar"):
        split_feed(text)


def test_text_that_is_not_utf8_is_not_lost():
    assert decode("Büro".encode("cp1252")) == "Büro"
    assert decode("\ufeffBüro".encode()) == "Büro"
