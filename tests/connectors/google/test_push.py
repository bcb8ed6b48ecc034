"""Push channels: how they open, whom to believe, and how the next one takes over."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from connectors.ingress import Received
from tests.connectors.google.support import ALICE, ON_CALL, PUBLIC, Office, at, events_of, meeting, office
from tests.connectors.ingress import way_in
from tests.support.clock import MONDAY_NINE


@asynccontextmanager
async def pushed(**given):
    """An office whose hub Google can reach, with alice's calendar read and watched."""
    async with office(callback_url=PUBLIC, **given) as made, way_in(made.hub.receive) as real:
        made.server.reach[PUBLIC] = real
        made.alice = made.connector()
        await made.alice.poll(fresh=False)
        await made.hub.push.tend()
        for _ in range(2):
            await made.alice.poll(fresh=False)
        made.polls.clear()
        made.server.asked.clear()
        yield made


def channel(made: Office) -> dict:
    (only,) = made.server.channels.values()
    return only


def sent(**headers: str) -> Received:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Received("POST", "", (), named, b"", MONDAY_NINE)


async def test_a_channel_is_opened_and_its_first_message_means_nothing():
    async with pushed() as made:
        assert channel(made)["calendar"] == ALICE and len(channel(made)["token"]) >= 32
        assert not made.polls


async def test_a_pushed_change_is_read_at_once():
    async with pushed() as made:
        made.server.calendar(ALICE).put(meeting(10))
        assert await made.server.notify(ALICE) == [200]
        assert made.polls == [ALICE]
        poll = await made.alice.poll(fresh=False)
        assert [event.start for event in events_of(poll.facts[0])] == [at(10)] and poll.announced


async def test_while_changes_are_pushed_polls_ask_nothing_until_it_is_time_to_reconcile():
    async with pushed() as made:
        for _ in range(7):
            made.world.clock.advance(120)
            await made.alice.poll(fresh=False)
        assert not made.server.asked
        made.world.clock.advance(120)
        made.server.calendar(ALICE).put(meeting(10))
        assert (await made.alice.poll(fresh=False)).facts


@pytest.mark.parametrize("token", ["guess", ""])
async def test_a_message_without_the_channels_secret_is_ignored(token):
    async with pushed() as made:
        id_ = channel(made)["id"]
        request = sent(x_goog_channel_id=id_, x_goog_channel_token=token, x_goog_resource_state="exists")
        assert (await made.hub.receive(request)).status == 200 and not made.polls
        assert (await made.hub.receive(sent())).status == 200 and not made.polls


async def test_the_next_channel_opens_before_one_ends_and_the_old_one_is_stopped():
    async with pushed() as made:
        old = channel(made)["id"]
        made.world.clock.advance(timedelta(days=3))
        await made.hub.push.tend()
        assert channel(made)["id"] == old
        made.world.clock.advance(timedelta(days=1))
        await made.hub.push.tend()
        assert channel(made)["id"] != old and made.hub.push.covers(f"google/alice {ALICE} {ALICE}")
        assert await made.server.notify(ALICE) == [200] and made.polls == [ALICE]


async def test_a_channel_that_ran_out_is_opened_anew_and_what_was_missed_is_looked_for():
    async with pushed() as made:
        made.world.clock.advance(timedelta(days=8))
        made.server.channels.clear()
        await made.hub.push.tend()
        assert made.server.channels and made.polls == [ALICE]


async def test_each_calendar_of_an_account_is_watched():
    calendars = {"primary": "work", ON_CALL: "on-call"}
    async with office(callback_url=PUBLIC, calendars=calendars) as made, way_in(made.hub.receive) as real:
        made.server.reach[PUBLIC] = real
        made.server.calendar(ON_CALL).readers.add(ALICE)
        connector = made.connector()
        await connector.poll(fresh=False)
        await made.hub.push.tend()
        assert {one["calendar"] for one in made.server.channels.values()} == {ALICE, ON_CALL}
        made.polls.clear()
        await made.server.notify(ON_CALL)
        assert made.polls == [ALICE]


async def test_where_google_refuses_the_calendar_is_polled_and_the_reason_told(caplog):
    async with office(callback_url=PUBLIC) as made:
        made.server.watch_refused = True
        made.server.calendar(ALICE).put(meeting(10))
        connector = made.connector()
        await made.hub.push.tend()
        poll = await connector.poll(fresh=False)
        assert poll.facts and "not pushed" in poll.problems[0]
        made.server.asked.clear()
        await made.hub.push.tend()
        assert not made.server.asked
        assert caplog.text.count("not pushed") == 1


async def test_after_a_restart_channels_are_taken_up_again():
    async with pushed() as made:
        await made.hub.close()
        made._hub = None
        later = made.connector()
        await made.hub.push.tend()
        made.polls.clear()
        known = channel(made)
        request = sent(
            x_goog_channel_id=known["id"], x_goog_channel_token=known["token"], x_goog_resource_state="exists"
        )
        await made.hub.receive(request)
        assert made.polls == [ALICE]
        await later.close()
        await made.hub.receive(request)
        assert made.polls == [ALICE]


async def test_a_link_that_is_made_anew_goes_on_being_told():
    async with pushed() as made:
        made.connector()
        await made.alice.close()
        made.world.clock.advance(61)
        await made.hub.push.tend()
        made.polls.clear()
        await made.server.notify(ALICE)
        assert made.polls == [ALICE]


async def test_a_channel_that_nobody_wants_any_more_is_closed():
    async with pushed() as made:
        await made.alice.close()
        await made.hub.push.tend()
        assert len(made.server.channels) == 1
        made.world.clock.advance(61)
        await made.hub.push.tend()
        assert not made.server.channels and made.hub_secrets["google-channels"] == "[]"


async def test_free_busy_is_not_pushed():
    async with office(callback_url=PUBLIC, mode="free-busy") as made:
        made.connector()
        await made.hub.push.tend()
        assert not made.server.channels
    async with office(notifications=False, callback_url=PUBLIC) as made:
        assert (await made.hub.receive(sent())).status == 404


async def test_the_hub_keeps_channels_open_by_itself(caplog):
    caplog.set_level("DEBUG")
    async with office(callback_url=PUBLIC) as made, way_in(made.hub.receive) as real:
        made.server.reach[PUBLIC] = real
        heard = asyncio.Event()
        running = asyncio.create_task(made.hub.run(heard.set))
        await heard.wait()
        told = asyncio.Event()
        made.polls = type("Polls", (list,), {"append": lambda self, one: told.set()})()
        made.connector()
        await told.wait()
        assert channel(made)["token"] not in caplog.text
        await made.hub.close()
        await running
