"""Calendars by impersonation, through exchangelib, against the stand-in."""

import asyncio
import logging
from datetime import timedelta

import pytest

from connectors.errors import AuthFailed, ConnectorError, Forbidden, NotFound, Refused, Unreachable
from connectors.exchange.connector import RECONCILE
from connectors.facts import CalendarEvent, Shows
from connectors.privacy import Privacy
from tests.connectors.exchange.support import ALICE, BOB, at, events_of, meeting, office, until

QUIET = {"mode": "calendar", "notifications": False, "automatic_replies": False}


async def test_events_become_facts():
    async with office(**QUIET) as made:
        made.ews.put(
            ALICE,
            meeting(
                10,
                subject="Budget",
                location="Room 4",
                guests=("bob@example.org", "alice@example.org"),
                categories=("Finance",),
                online=True,
            ),
        )
        (fact,) = (await made.connector(privacy=Privacy.DETAILS).poll(fresh=False)).facts
        assert events_of(fact) == (
            CalendarEvent(
                at(10), at(11), Shows.BUSY, False, False, "Budget", "Room 4", ("Finance",), 1, True, "uid-0"
            ),
        )


async def test_words_are_not_even_asked_for_where_they_may_not_be_known():
    async with office(**QUIET) as made:
        made.ews.put(ALICE, meeting(10, subject="Budget", location="Room 4", categories=("Finance",)))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        asked = b"".join(made.ews.requests)
        assert b"item:Subject" not in asked and b"calendar:Location" not in asked
        assert b"item:Categories" not in asked and b"item:Body" not in asked
        assert events_of(fact)[0].title is None


async def test_canceled_and_declined_events_do_not_count_and_private_ones_lose_their_words():
    async with office(**QUIET) as made:
        made.ews.put(
            ALICE,
            meeting(10, canceled=True),
            meeting(11, response="Decline"),
            meeting(12, sensitivity="Private", subject="Doctor"),
            meeting(13, busy="Tentative", response="NoResponseReceived"),
            meeting(14, busy="WorkingElsewhere"),
        )
        (fact,) = (await made.connector(privacy=Privacy.DETAILS).poll(fresh=False)).facts
        told = [(event.start.hour, event.shows, event.private, event.title) for event in events_of(fact)]
        assert told == [
            (12, Shows.BUSY, True, None),
            (13, Shows.TENTATIVE, False, "Budget"),
            (14, Shows.ELSEWHERE, False, "Budget"),
        ]


async def test_whole_days_are_meant_in_the_persons_zone():
    async with office(**QUIET) as made:
        made.ews.put(ALICE, meeting(-1, 24, all_day=True, zone="W. Europe Standard Time"))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        (event,) = events_of(fact)
        assert (event.start, event.end, event.all_day) == (at(-1), at(23), True)


async def test_an_unchanged_calendar_costs_one_question():
    async with office(**QUIET) as made:
        made.ews.put(ALICE, meeting(10))
        connector = made.connector()
        assert (await connector.poll(fresh=False)).facts
        made.ews.asked.clear()
        assert (await connector.poll(fresh=False)).facts is None
        assert made.ews.asked == ["SyncFolderItems"]
        made.ews.put(ALICE, meeting(12))
        (fact,) = (await connector.poll(fresh=False)).facts
        assert events_of(fact)[0].start == at(12)


async def test_a_sync_state_that_the_server_has_forgotten():
    async with office(**QUIET) as made:
        made.ews.put(ALICE, meeting(10))
        connector = made.connector()
        await connector.poll(fresh=False)
        made.ews.drop_states = True
        assert (await connector.poll(fresh=False)).facts is None, "read anew, and it is the same"
        made.ews.put(ALICE, meeting(12))
        (fact,) = (await connector.poll(fresh=False)).facts
        assert events_of(fact)[0].start == at(12)


async def test_automatic_replies_are_out_of_office():
    async with office(mode="calendar", notifications=False) as made:
        made.ews.put(ALICE, meeting(10))
        mailbox = made.ews.mailboxes[ALICE]
        connector = made.connector()
        calendar, replies = (await connector.poll(fresh=False)).facts
        assert (len(events_of(calendar)), events_of(replies)) == (1, ())
        mailbox.replies, mailbox.replies_from, mailbox.replies_until = "Scheduled", at(14), at(18)
        _, replies = (await connector.poll(fresh=False)).facts
        (away,) = events_of(replies)
        assert (away.start, away.end, away.shows) == (at(14), at(18), Shows.OUT_OF_OFFICE)
        mailbox.replies = "Enabled"
        _, replies = (await connector.poll(fresh=False)).facts
        assert events_of(replies)[0].start < made.world.clock.now() < events_of(replies)[0].end


async def test_changes_are_told_as_they_happen():
    async with office(mode="calendar", automatic_replies=False) as made:
        made.ews.put(ALICE, meeting(10))
        made.ews.put(BOB, meeting(10))
        told: list[str] = []
        alice = made.connector(ALICE, poll_now=lambda: told.append("alice"))
        bob = made.connector(BOB, poll_now=lambda: told.append("bob"))
        await alice.poll(fresh=False)
        await bob.poll(fresh=False)
        heard: list[bool] = []
        running = asyncio.ensure_future(made.hub.run(lambda: heard.append(True)))
        await until(lambda: made.hub.tells_of(ALICE) and made.hub.tells_of(BOB))
        made.ews.asked.clear()
        assert (await alice.poll(fresh=False)).facts is None
        assert made.ews.asked == [], "as long as changes are told, nobody asks"
        await until(lambda: made.ews.streaming == 1)
        made.ews.put(ALICE)
        await until(lambda: bool(told))
        assert set(told) == {"alice"}
        poll = await alice.poll(fresh=False)
        assert events_of(poll.facts[0]) == ()
        assert poll.announced, "an empty calendar is believed if the server had told of a change"
        made.world.clock.advance(RECONCILE.total_seconds())
        made.ews.asked.clear()
        assert (await bob.poll(fresh=False)).facts is None
        assert made.ews.asked == ["SyncFolderItems"], "in case that something was lost"
        made.ews.end_streams()
        await made.hub.close()
        await running


async def test_a_lost_stream_is_a_lost_source():
    async with office(mode="calendar", automatic_replies=False) as made:
        made.ews.put(ALICE, meeting(10))
        made.connector(ALICE)
        made.ews.lever = "silent"
        with pytest.raises(Unreachable):
            await made.hub.run(lambda: None)
        assert not made.hub.tells_of(ALICE)


@pytest.mark.parametrize(
    "code, error",
    [
        ("ErrorImpersonateUserDenied", Forbidden),
        ("ErrorNonExistentMailbox", NotFound),
        ("ErrorFolderNotFound", NotFound),
        ("ErrorServerBusy", Unreachable),
        ("ErrorInternalServerError", Unreachable),
    ],
)
async def test_faults_are_told_apart(code, error):
    async with office(**QUIET) as made:
        made.ews.put(ALICE)
        made.ews.fault = (code, 5000 if code == "ErrorServerBusy" else None)
        with pytest.raises(error) as raised:
            await made.connector().poll(fresh=False)
        assert getattr(raised.value, "retry_after", None) == (5.0 if code == "ErrorServerBusy" else None)


async def test_nothing_of_a_calendar_is_logged(caplog):
    with caplog.at_level(logging.DEBUG):
        async with office(**QUIET) as made:
            made.ews.put(ALICE, meeting(10, subject="Takeover of Initech"))
            connector = made.connector(privacy=Privacy.DETAILS)
            await connector.poll(fresh=False)
            for lever in ("nonsense", "silent", "refuse"):
                made.ews.lever = lever
                with pytest.raises(ConnectorError):
                    await connector.poll(fresh=True)
    assert "Initech" not in caplog.text
    assert "correct horse" not in caplog.text


async def test_the_service_does_not_wait_for_a_silent_server():
    """What is asked blocks a thread, never the loop; and the end does not wait for it."""
    async with office(**QUIET) as made:

        async def never(reader, writer):
            await reader.read()
            writer.close()

        server = await asyncio.start_server(never, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        made.shared["url"] = f"http://127.0.0.1:{port}/EWS/Exchange.asmx"
        asking = asyncio.ensure_future(made.connector().poll(fresh=False))
        turns = 0
        while turns < 100:
            await asyncio.sleep(0)
            turns += 1
        assert not asking.done()
        asking.cancel()
        await made.hub.close()
        server.close()


async def test_private_addresses_are_refused_to_exchangelib_too():
    async with office(**QUIET) as made:
        made.shared["url"] = made.ews.url.replace("127.0.0.1", "localhost")
        made.world.http.allow = type(made.world.http.allow)()
        with pytest.raises(Refused):
            await made.connector().poll(fresh=False)
        assert made.ews.asked == []


async def test_a_wrong_password_is_told():
    async with office(**QUIET) as made:
        made.secret = "wrong"
        made.ews.put(ALICE)
        with pytest.raises(AuthFailed):
            await made.connector().poll(fresh=False)


async def test_calendars_of_a_thousand_years_ago_cost_nothing():
    async with office(**QUIET) as made:
        made.ews.put(ALICE, *(meeting(10, subject=str(day)) for day in range(3)), meeting(10 + 24 * 40))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        assert len(events_of(fact)) == 3
        assert all(event.end - at(9) < timedelta(days=3) for event in events_of(fact))
