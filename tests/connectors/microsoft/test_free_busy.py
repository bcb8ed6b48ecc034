"""The least-privilege mode: schedules, twenty mailboxes a request; and automatic replies beside either mode."""

import pytest

from connectors.errors import Forbidden, NotFound, Unreachable
from connectors.facts import Shows
from tests.connectors.microsoft.support import ALICE, BOB, at, events_of, meeting, office

BASIC = {"app_roles": frozenset({"Calendars.ReadBasic"})}
FREE_BUSY = {"mode": "free-busy", "login": BASIC}


async def test_twenty_mailboxes_share_a_request():
    async with office(**FREE_BUSY) as made:
        people = [f"p{number}@example.org" for number in range(100)]
        for number, person in enumerate(people):
            made.server.mailbox(person).put(meeting(10 + number / 10))
        connectors = [made.connector(person) for person in people]
        for number, connector in enumerate(connectors):
            (fact,) = (await connector.poll(fresh=False)).facts
            assert events_of(fact)[0].start == at(10 + number / 10)
        assert len(made.server.asked) == 5


async def test_nothing_new_is_no_fact():
    async with office(**FREE_BUSY) as made:
        made.server.mailbox(ALICE).put(meeting(10))
        connector = made.connector()
        await connector.poll(fresh=False)
        assert (await connector.poll(fresh=False)).facts is None


async def test_what_the_schedule_leaves_out_is_read_by_its_slots():
    async with office(**FREE_BUSY) as made:
        calendar = made.server.mailbox(ALICE)
        calendar.put(meeting(10))
        calendar.put(meeting(12, showAs="oof"))
        calendar.shows = "slots"
        (fact,) = (await made.connector().poll(fresh=False)).facts
        assert [(found.shows, found.start, found.end) for found in events_of(fact)] == [
            (Shows.BUSY, at(10), at(11)),
            (Shows.OUT_OF_OFFICE, at(12), at(13)),
        ]


async def test_one_mailbox_that_cannot_be_read_does_not_silence_the_others():
    async with office(**FREE_BUSY) as made:
        made.server.mailbox(ALICE).shows = "ErrorNoFreeBusyAccess"
        made.server.mailbox(BOB).put(meeting(10))
        alice, bob = made.connector(), made.connector(BOB)
        nobody = made.connector("nobody@example.org")
        with pytest.raises(Forbidden):
            await alice.poll(fresh=False)
        assert (await bob.poll(fresh=False)).facts
        with pytest.raises(NotFound):
            await nobody.poll(fresh=False)


async def test_an_asker_without_a_mailbox_leaves_the_asking_to_others():
    async with office(**FREE_BUSY) as made:
        made.server.mailbox(BOB).put(meeting(10))
        bob, nobody = made.connector(BOB), made.connector("nobody@example.org")
        with pytest.raises(NotFound):
            await nobody.poll(fresh=False)
        (fact,) = (await bob.poll(fresh=False)).facts
        assert events_of(fact)


async def test_a_throttled_asker_says_when_to_come_back():
    async with office(**FREE_BUSY) as made:
        made.server.throttle[ALICE] = 7
        with pytest.raises(Unreachable) as caught:
            await made.connector().poll(fresh=False)
        assert caught.value.retry_after == 7


async def test_free_busy_needs_no_more_than_the_basic_permission():
    async with office(**FREE_BUSY) as made:
        await made.connector().poll(fresh=False)
        assert made.server.asked == [f"POST /users/{ALICE}/calendar/getSchedule"]


# -- automatic replies ----------------------------------------------------------------------------------------


def away(start: float, end: float) -> dict:
    entry = meeting(start, end - start)
    return {
        "status": "scheduled",
        "scheduledStartDateTime": entry["start"],
        "scheduledEndDateTime": entry["end"],
    }


@pytest.mark.parametrize("mode", ["calendar", "free-busy"])
async def test_automatic_replies_are_a_stream_of_their_own(mode):
    async with office(mode=mode, automatic_replies=True) as made:
        calendar = made.server.mailbox(ALICE)
        calendar.replies = away(9, 17)
        connector = made.connector()
        events, replies = (await connector.poll(fresh=False)).facts
        assert not events_of(events) and replies.source == "microsoft:m365/alice/automatic-replies"
        (found,) = events_of(replies)
        assert (found.shows, found.start, found.end) == (Shows.OUT_OF_OFFICE, at(9), at(17))
        assert (await connector.poll(fresh=False)).facts is None
        calendar.replies = {"status": "disabled"}
        _, replies = (await connector.poll(fresh=False)).facts
        assert not events_of(replies)


async def test_automatic_replies_of_many_come_in_batches():
    async with office(mode="free-busy", automatic_replies=True) as made:
        people = [f"p{number}@example.org" for number in range(40)]
        for person in people:
            made.server.mailbox(person)
        connectors = [made.connector(person) for person in people]
        before = made.server.requests
        for connector in connectors:
            assert len((await connector.poll(fresh=False)).facts) == 2
        assert made.server.requests - before == 4
        assert len([one for one in made.server.asked if one.endswith("automaticRepliesSetting")]) == 40


async def test_without_the_permission_the_calendar_still_counts():
    async with office(automatic_replies=True, login={"app_roles": frozenset({"Calendars.Read"})}) as made:
        made.server.mailbox(ALICE).put(meeting(10))
        poll = await made.connector().poll(fresh=False)
        (fact,) = poll.facts
        assert events_of(fact) and "automatic replies" in poll.problems[0]
        assert poll.unheard == {"microsoft:m365/alice/automatic-replies"}
