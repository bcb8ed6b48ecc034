"""The runner with a real connector, a real HTTP server and virtual time."""

import asyncio
import contextlib
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from connectors.base import Link
from connectors.facts import CalendarEvent, CalendarValue, Fact, PlaceValue
from connectors.health import HealthState
from connectors.privacy import Privacy
from tests.connectors.support import new_world, serve
from tests.support.clock import MONDAY_NINE as START
from tests.support.clock import VirtualClock


class Badge:
    """The source: answers what the test wants."""

    def __init__(self) -> None:
        self.zone: object = "office"
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked = 0

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.headers.get("Authorization") != "Bearer open sesame":
            return web.Response(status=401)
        return web.Response(status=self.status, text=json.dumps({"zone": self.zone}), headers=self.headers)


def link(url: str, secret: str = "open sesame", **settings: object) -> Link:
    return Link("alice-badge", "example", "alice", {"url": url, **settings}, secret)


async def test_facts_come_at_the_first_poll_and_then_once_per_interval():
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, interval="60s", stale_after="1h"))
        await world.step(1)
        (fact,) = world.book.of("alice")
        assert fact.value == PlaceValue("office", since=world.clock.now())
        assert fact.valid_until == world.clock.now() + timedelta(hours=1)
        await world.step(59)
        assert badge.asked == 1
        await world.step(2)
        assert badge.asked == 2
        assert world.outcomes == ["changed", "unchanged"]


async def test_an_unchanged_poll_renews_the_validity():
    async with serve(Badge()) as url, new_world() as world:
        world.runner.add_link(link(url, stale_after="10m"))
        for _ in range(15):
            await world.step(61)
        (fact,) = world.book.of("alice")
        assert not fact.is_stale(world.clock.now())


async def test_the_facts_of_a_silent_source_go_stale_and_the_health_says_so():
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, stale_after="10m"))
        await world.step(1)
        badge.status = 503
        await world.step(61)
        assert world.health("alice-badge").state is HealthState.UNREACHABLE
        assert not world.health("alice-badge").stale
        (fact,) = world.book.of("alice")
        assert not fact.is_stale(world.clock.now())
        await world.step(600)
        assert fact.is_stale(world.clock.now())
        assert world.health("alice-badge").stale


async def test_waits_grow_after_failures_and_only_the_first_and_the_recovery_are_logged(caplog):
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, interval="60s"))
        await world.step(1)
        badge.status = 500
        with caplog.at_level(logging.INFO, "connectors.runner"):
            await world.step(61)
            waits = []
            for _ in range(6):
                before = world.clock.monotonic()
                asked = badge.asked
                while badge.asked == asked:
                    await world.step(10)
                waits.append(world.clock.monotonic() - before)
            badge.status = 200
            await world.step(1000)
        assert waits == [60, 120, 240, 480, 900, 900]
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert "500" in caplog.records[0].message
        assert world.health("alice-badge").state is HealthState.OK


async def test_retry_after_is_honored():
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, interval="1s"))
        badge.status, badge.headers = 429, {"Retry-After": "300"}
        await world.step(1)
        await world.step(299)
        assert badge.asked == 1
        await world.step(2)
        assert badge.asked == 2


async def test_a_refused_sign_in_is_told_apart_and_not_hammered(caplog):
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, secret="hunter2", interval="1s"))
        await world.step(1)
        health = world.health("alice-badge")
        assert health.state is HealthState.AUTH_FAILED
        assert "password" in health.words
        for _ in range(200):
            await world.step(1)
        assert badge.asked == 1
        assert "hunter2" not in caplog.text + repr(world.told)
        world.runner.poll_now("alice-badge")
        await world.step()
        assert badge.asked == 2


async def test_nothing_listening_is_unreachable():
    async with serve(Badge()) as url:
        pass
    async with new_world() as world:
        world.runner.add_link(link(url))
        await world.step(1)
        health = world.health("alice-badge")
        assert health.state is HealthState.UNREACHABLE
        assert "connection refused" in health.words


async def test_nonsense_is_bad_data_and_what_was_known_stays():
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url))
        await world.step(1)
        badge.zone = 7
        await world.step(61)
        assert world.health("alice-badge").state is HealthState.BAD_DATA
        (fact,) = world.book.of("alice")
        assert fact.value.zone == "office"
        badge.zone = "lab"
        await world.step(200)
        assert world.health("alice-badge").state is HealthState.OK
        assert world.book.of("alice")[0].value.zone == "lab"


async def test_wrong_settings_are_named_and_nothing_is_polled():
    async with new_world() as world:
        health = world.runner.add_link(
            Link("bob", "example", "bob", {"url": "nonsense", "intervall": "60s", "timeout": "soon"})
        )
        assert health.state is HealthState.MISCONFIGURED
        assert all(word in health.words for word in ("url", "intervall", "timeout", "90s, 5m"))
        await world.step(10)
        assert world.outcomes == []


async def test_an_unknown_connector_is_named_with_those_that_exist():
    async with new_world() as world:
        health = world.runner.add_link(Link("bob", "kalender", "bob", {}))
        assert health.state is HealthState.MISCONFIGURED
        assert "kalender" in health.words and "caldav" in health.words


async def test_an_unlinked_source_is_forgotten():
    async with serve(Badge()) as url, new_world() as world:
        world.runner.add_link(link(url))
        await world.step(1)
        assert world.runner.remove_link("alice-badge") == ("example:alice-badge",)
        assert world.forgotten == ["example:alice-badge"]
        await world.step(200)
        assert world.runner.health() == []
        with pytest.raises(KeyError):
            world.runner.poll_now("alice-badge")


async def test_many_links_start_spread_out_and_late_polls_are_measured():
    async with serve(Badge()) as url, new_world() as world:
        for number in range(40):
            world.chance = number / 40
            world.runner.add_link(Link(f"link{number}", "example", "p", {"url": url}, "open sesame"))
        world.clock.advance(10)
        world.runner.tick("example")
        assert len(world.spawned) == 32, "no more at once than the limit"
        await world.step()
        assert len(world.outcomes) == 40
        assert 9.5 < min(world.lags) < max(world.lags) <= 10


async def test_run_ticks_by_itself_and_ends_cleanly():
    badge = Badge()
    answered = asyncio.Event()
    async with serve(badge) as url, new_world() as world:
        world.runner._on_health = lambda health: answered.set() if health.last_heard else None
        world.runner._spawn = lambda coroutine, *, name: asyncio.ensure_future(coroutine)
        world.runner.add_link(link(url))
        world.clock.advance(1)
        running = asyncio.ensure_future(world.runner.run())
        await asyncio.wait_for(answered.wait(), 10)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert badge.asked == 1


async def test_other_settings_for_the_same_account_keep_what_is_known_until_it_is_asked_anew():
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, interval="60s", stale_after="1h"))
        await world.step(1)
        world.runner.change_link(link(url, interval="10s", stale_after="1h"))
        assert world.forgotten == []
        assert [fact.value.zone for fact in world.book.of("alice")] == ["office"]
        badge.zone = "canteen"
        await world.step(1)
        assert [fact.value.zone for fact in world.book.of("alice")] == ["canteen"]
        world.runner.remove_link("alice-badge")
        assert len(world.forgotten) == 1


async def test_a_lower_privacy_level_takes_back_what_is_known_at_once():
    event = CalendarEvent(
        START, START + timedelta(hours=1), title="Takeover", place="Room 1", categories=("Focus",)
    )
    known = Fact("alice", "s", CalendarValue((event,), START, START + timedelta(days=1)), START)
    async with new_world() as world:
        world.runner.add_link(replace(link("http://127.0.0.1:9/"), privacy=Privacy.DETAILS))
        state = world.runner._find("alice-badge")[1].state
        state.known["s"] = known
        world.runner.change_link(replace(link("http://127.0.0.1:9/"), privacy=Privacy.CATEGORY))
        (fact,) = world.book.of("alice")
        assert fact.value.events[0] == replace(event, title=None, place=None)
        world.runner.change_link(replace(link("http://127.0.0.1:9/"), privacy=Privacy.BUSY))
        (fact,) = world.book.of("alice")
        assert fact.value.events[0] == replace(event, title=None, place=None, categories=())


async def test_a_connector_can_ask_to_be_polled_at_once():
    badge = Badge()
    async with serve(badge) as url, new_world() as world:
        world.runner.add_link(link(url, interval="10m"))
        await world.step(1)
        badge.zone = "home"
        linked = world.runner._groups["example"].links["alice-badge"]
        linked.connector._context.poll_now()
        await world.step()
        (fact,) = world.book.of("alice")
        assert fact.value.zone == "home"
        world.runner.remove_link("alice-badge")
        linked.connector._context.poll_now()  # nothing happens


async def test_an_adaptive_link_is_asked_seldom_at_night():
    badge = Badge()
    night = VirtualClock(datetime(2026, 3, 3, 1, 0, tzinfo=UTC))
    async with serve(badge) as url, new_world(clock=night) as world:
        world.runner.add_link(link(url, interval="60s", adaptive=True))
        await world.step(1)
        await world.step(299)
        assert badge.asked == 1
        await world.step(2)
        assert badge.asked == 2
