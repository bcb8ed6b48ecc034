"""Following calendars: what is asked, what is noticed, and what is done when Google forgets or refuses."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.calendar_event import Reader
from connectors.errors import AuthFailed, BadData, Forbidden, Misconfigured, NotFound, Unreachable
from connectors.facts import Shows
from connectors.google.calendar_api import window_path
from connectors.health import HealthState
from connectors.ical.window import Window
from connectors.privacy import Privacy
from tests.connectors.google.support import ALICE, BOB, ON_CALL, at, events_of, meeting, office

LIST = f"GET /calendars/{ALICE}/events"


async def starts(connector, *, fresh: bool = False) -> list | None:
    poll = await connector.poll(fresh=fresh)
    return None if poll.facts is None else [event.start for event in events_of(poll.facts[0])]


async def test_an_unchanged_calendar_costs_one_request():
    async with office() as made:
        made.server.calendar(ALICE).put(meeting(10))
        connector = made.connector()
        await connector.poll(fresh=False)
        made.server.asked.clear()
        assert (await connector.poll(fresh=False)).facts is None
        assert made.server.asked == [LIST]


async def test_events_come_change_and_go():
    async with office() as made:
        calendar = made.server.calendar(ALICE)
        calendar.put(meeting(10, id="one"))
        connector = made.connector()
        assert await starts(connector) == [at(10)]
        calendar.put(meeting(12, id="two"))
        assert await starts(connector) == [at(10), at(12)]
        calendar.put(meeting(11, id="one"))
        assert await starts(connector) == [at(11), at(12)]
        calendar.delete("one")
        assert await starts(connector) == [at(12)]
        assert await starts(connector) is None


async def test_every_page_is_read(monkeypatch):
    monkeypatch.setattr("connectors.google.calendar_api.PAGE", 10)
    async with office() as made:
        calendar = made.server.calendar(ALICE)
        for number in range(35):
            calendar.put(meeting(9 + number / 10, 1 / 10))
        connector = made.connector()
        assert len(await starts(connector)) == 35 and made.server.asked.count(LIST) == 4
        for number in range(15):
            calendar.put(meeting(20 + number / 10))
        assert len(await starts(connector)) == 50


async def test_a_forgotten_sync_token_begins_anew():
    async with office() as made:
        calendar = made.server.calendar(ALICE)
        calendar.put(meeting(10))
        connector = made.connector()
        await connector.poll(fresh=False)
        calendar.put(meeting(12))
        calendar.forget_tokens()
        assert await starts(connector) == [at(10), at(12)]
        made.server.asked.clear()
        assert await starts(connector) is None and made.server.asked == [LIST]


async def test_without_sync_tokens_the_window_is_listed_and_compared():
    async with office() as made:
        made.server.gives_sync_tokens = False
        calendar = made.server.calendar(ALICE)
        calendar.put(meeting(10))
        connector = made.connector()
        assert await starts(connector) == [at(10)]
        assert await starts(connector) is None
        calendar.put(meeting(12))
        assert await starts(connector) == [at(10), at(12)]


async def test_a_change_that_could_not_be_read_is_not_lost():
    async with office() as made:
        calendar = made.server.calendar(ALICE)
        connector = made.connector()
        await connector.poll(fresh=False)
        calendar.put(meeting(12))
        stream = connector._polling._streams[0].stream

        async def broken(window):
            raise Unreachable("gone")

        whole, stream._read = stream._read, broken
        with pytest.raises(Unreachable):
            await connector.poll(fresh=False)
        stream._read = whole
        assert await starts(connector) == [at(12)]


async def test_the_window_moves_on():
    async with office() as made:
        made.server.calendar(ALICE).put(meeting(60))
        connector = made.connector()
        assert await starts(connector) == []
        made.world.clock.advance(timedelta(hours=12))
        assert await starts(connector) == [at(60)]


@pytest.mark.parametrize(("privacy", "asked"), [(Privacy.BUSY, False), (Privacy.DETAILS, True)])
def test_titles_are_not_even_asked_for_unless_they_may_be_known(privacy, asked):
    path = window_path("primary", Window(at(0), at(24)), Reader(privacy=privacy), None)
    assert ("summary" in path) is asked and "description" not in path


async def test_several_calendars_each_with_its_meaning():
    async with office(calendars={"primary": "work", ON_CALL: "on-call"}) as made:
        made.server.calendar(ALICE).put(meeting(10))
        made.server.calendar(ON_CALL).put(meeting(12))
        made.server.calendar(ON_CALL).readers.add(ALICE)
        facts = (await made.connector().poll(fresh=False)).facts
        assert {fact.value.calendar: events_of(fact)[0].start for fact in facts} == {
            "work": at(10),
            "on-call": at(12),
        }
        assert len({fact.source for fact in facts}) == 2


async def test_one_calendar_that_cannot_be_read_does_not_silence_the_others():
    async with office(calendars={"primary": "work", ON_CALL: "on-call"}) as made:
        made.server.calendar(ALICE).put(meeting(10))
        connector = made.connector()
        poll = await connector.poll(fresh=False)
        assert [fact.value.calendar for fact in poll.facts] == ["work"]
        assert poll.unheard == {f"google:google/alice/{ON_CALL}"} and "on-call" in poll.problems[0]
        del made.server.calendars[ALICE]
        made.server.grants.clear()
        with pytest.raises(AuthFailed):
            await connector.poll(fresh=False)


@pytest.mark.parametrize(
    ("lever", "kind", "word"),
    [
        ("refuse", AuthFailed, "sign-in"),
        ("403", Forbidden, "share it"),
        ("404", NotFound, "calendar's id"),
        ("400", BadData, "did not understand"),
        ("429", Unreachable, "slower"),
        ("503", Unreachable, "for now"),
        ("silent", Unreachable, "127.0.0.1"),
        ("nonsense", BadData, "not JSON"),
    ],
)
async def test_failures_are_told_apart(lever, kind, word):
    async with office() as made:
        connector = made.connector()
        await connector.poll(fresh=False)
        made.server.lever = lever
        with pytest.raises(kind) as caught:
            await connector.poll(fresh=False)
        assert word in caught.value.words


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"])
async def test_a_quota_is_left_alone_for_ever_longer(reason):
    async with office() as made:
        connector = made.connector()
        await connector.poll(fresh=False)
        made.server.quota = reason
        for wait in (1, 2, 4, 8, 16, 32, 64, 64):
            made.server.asked.clear()
            with pytest.raises(Unreachable, match=reason) as caught:
                await connector.poll(fresh=False)
            assert caught.value.retry_after == wait and len(made.server.asked) == 1
            made.world.clock.advance(wait - 0.5)
            with pytest.raises(Unreachable, match="slower"):
                await connector.poll(fresh=False)
            assert len(made.server.asked) == 1, "not asked meanwhile"
            made.world.clock.advance(1)
        made.server.quota = ""
        assert (await connector.poll(fresh=False)).facts is None


async def test_an_api_that_is_not_switched_on():
    async with office() as made:
        made.server.quota = "accessNotConfigured"
        with pytest.raises(Misconfigured, match="not switched on"):
            await made.connector().poll(fresh=False)


async def test_a_person_without_an_account_is_misconfigured():
    async with office() as made:
        with pytest.raises(Misconfigured, match="which Google account"):
            made.connector(link=replace(made.link(), addresses=()))


async def test_signing_in_person_by_person_needs_an_application():
    async with office(sign_in="person", client_id=None) as made:
        with pytest.raises(Misconfigured, match="client_id"):
            made.connector()


async def test_an_organisation_needs_its_service_account():
    async with office() as made:
        made.secret = None
        with pytest.raises(Misconfigured, match="service account"):
            made.connector()


# -- free and busy --------------------------------------------------------------------------------------------


async def test_fifty_calendars_share_a_request():
    async with office(mode="free-busy") as made:
        people = [f"p{number}@example.org" for number in range(100)]
        for number, person in enumerate(people):
            made.server.calendar(person).put(meeting(10 + number / 10))
            made.server.calendar(person).readers.add("*")
        connectors = [made.connector(person) for person in people]
        for number, connector in enumerate(connectors):
            (fact,) = (await connector.poll(fresh=False)).facts
            assert events_of(fact)[0].start == at(10 + number / 10)
        assert made.server.asked == ["POST /freeBusy"] * 2


async def test_nothing_new_is_no_fact():
    async with office(mode="free-busy") as made:
        made.server.calendar(ALICE).put(meeting(10))
        connector = made.connector()
        (fact,) = (await connector.poll(fresh=False)).facts
        assert [found.shows for found in events_of(fact)] == [Shows.BUSY]
        assert (await connector.poll(fresh=False)).facts is None


async def test_a_calendar_that_is_not_shared_is_the_trouble_of_its_link_only():
    async with office(mode="free-busy") as made:
        made.server.calendar(BOB).readers.add("*")
        nobody, bob = made.connector("nobody@example.org"), made.connector(BOB)
        with pytest.raises(AuthFailed):
            await nobody.poll(fresh=False)
        assert (await bob.poll(fresh=False)).facts is not None
        with pytest.raises((NotFound, AuthFailed)):
            await nobody.poll(fresh=False)


async def test_the_runner_drives_it_like_any_other(caplog):
    async with office() as made:
        made.server.calendar(ALICE).put(meeting(10))
        made.world.runner.add_link(made.link())
        made.world.runner._groups["google"].due.discard("google")  # run would not return
        await made.world.step(1)
        assert made.world.health("google/alice").state is HealthState.OK
        assert [event.start for event in events_of(made.world.book.of("alice")[0])] == [at(10)]
        made.server.revoke()
        made.server.token_error = {"error": "invalid_grant", "error_description": "Invalid email or User ID"}
        await made.world.step(130)
        health = made.world.health("google/alice")
        assert health.state is HealthState.AUTH_FAILED and "service account" in health.words
        assert "PRIVATE KEY" not in caplog.text + repr(made.world.told) + repr(made.link())
