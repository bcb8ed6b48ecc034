"""Following a calendar: what is asked, what is noticed, and what is done when Graph forgets, delays or refuses."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.calendar_event import Reader
from connectors.errors import AuthFailed, BadData, Forbidden, Misconfigured, NotFound, Unreachable
from connectors.facts import Shows
from connectors.health import HealthState
from connectors.ical.window import Window
from connectors.microsoft.graph import view_path
from connectors.privacy import Privacy
from tests.connectors.microsoft.graph_server import Json, Mailbox
from tests.connectors.microsoft.support import ALICE, BOB, at, events_of, meeting, office


async def starts(connector, *, fresh: bool = False) -> list | None:
    poll = await connector.poll(fresh=fresh)
    return None if poll.facts is None else [event.start for event in events_of(poll.facts[0])]


async def test_an_unchanged_calendar_costs_one_request():
    async with office() as made:
        made.server.mailbox(ALICE).put(meeting(10))
        connector = made.connector()
        await connector.poll(fresh=False)
        made.server.asked.clear()
        assert (await connector.poll(fresh=False)).facts is None
        assert made.server.asked == [f"GET /users/{ALICE}/calendarView/delta"]


async def test_events_come_change_and_go():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
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


def series(**given) -> tuple[Json, list[Json]]:
    """Daily at ten; each occurrence whole, as a calendarView has it."""
    master = meeting(10, id="master", type="seriesMaster", **given)
    parts = [
        {
            **meeting(10 + 24 * day, id=f"master.{day}", **given),
            "type": "occurrence",
            "seriesMasterId": "master",
        }
        for day in range(3)
    ]
    return master, parts


async def test_occurrences_show_what_their_series_shows_though_delta_leaves_it_out():
    async with office() as made:
        made.server.mailbox(ALICE).put_series(*series(showAs="oof"))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        assert [(found.start, found.shows) for found in events_of(fact)] == [
            (at(10), Shows.OUT_OF_OFFICE),
            (at(34), Shows.OUT_OF_OFFICE),
        ]


async def test_a_deleted_occurrence_is_gone_though_delta_says_nothing_of_it():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
        calendar.put_series(*series())
        connector = made.connector()
        await connector.poll(fresh=False)
        calendar.delete_occurrence("master", "master.0")
        assert await starts(connector) == [at(34)]


async def test_every_page_is_read():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
        for number in range(450):
            calendar.put(meeting(9 + number / 60, 1 / 60))
        connector = made.connector()
        assert len(await starts(connector)) == 450
        assert made.server.asked.count(f"GET /users/{ALICE}/calendarView/delta") == 3
        for number in range(3):
            calendar.put(meeting(20 + number))
        assert len(await starts(connector)) == 453


async def test_a_forgotten_delta_token_begins_a_new_round():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
        calendar.put(meeting(10))
        connector = made.connector()
        await connector.poll(fresh=False)
        calendar.put(meeting(12))
        calendar.forget_tokens()
        assert await starts(connector) == [at(10), at(12)]
        made.server.asked.clear()
        assert await starts(connector) is None
        assert len(made.server.asked) == 1


async def test_a_change_that_could_not_be_read_is_not_lost():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
        connector = made.connector()
        await connector.poll(fresh=False)
        calendar.put(meeting(12))
        view, made.server._view = made.server._view, lambda *given: made.server.nothing()
        with pytest.raises(Unreachable):
            await connector.poll(fresh=False)
        made.server._view = view
        assert await starts(connector) == [at(12)]


async def test_changes_outside_the_window_change_nothing():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
        calendar.put(meeting(10))
        connector = made.connector()
        first = await connector.poll(fresh=False)
        calendar.put(meeting(24 * 30))
        later = await connector.poll(fresh=False)
        assert events_of(later.facts[0]) == events_of(first.facts[0])


async def test_the_window_moves_on_without_a_new_round_of_delta():
    async with office() as made:
        calendar = made.server.mailbox(ALICE)
        calendar.put(meeting(60))
        connector = made.connector()
        assert await starts(connector) == []
        made.world.clock.advance(timedelta(hours=12))
        made.server.asked.clear()
        assert await starts(connector) == [at(60)]
        assert made.server.asked == [
            f"GET /users/{ALICE}/calendarView/delta",
            f"GET /users/{ALICE}/calendarView",
        ]
        made.world.clock.advance(timedelta(days=8))
        calendar.put(meeting(24 * 9))
        assert await starts(connector) == [at(24 * 9)]


@pytest.mark.parametrize(("privacy", "asked"), [(Privacy.BUSY, False), (Privacy.DETAILS, True)])
async def test_titles_are_not_even_asked_for_unless_they_may_be_known(privacy, asked):
    path = view_path("/me", Window(at(0), at(24)), Reader(privacy=privacy))
    assert ("subject" in path) is asked and "body" not in path


@pytest.mark.parametrize(
    ("lever", "kind", "word"),
    [
        ("refuse", AuthFailed, "cloud and tenant"),
        ("403", Forbidden, "grant the permission"),
        ("404", NotFound, "mailbox"),
        ("400", BadData, "did not understand"),
        ("429", Unreachable, "slower"),
        ("503", Unreachable, "for now"),
        ("504", Unreachable, "504"),
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
        assert type(caught.value) is kind or kind is Unreachable
        assert word in caught.value.words


async def test_a_certificate_that_nobody_vouches_for_is_named():
    async with office() as made:
        made.world.http.ca_file = None
        with pytest.raises(Unreachable, match="the encrypted connection to") as caught:
            await made.connector().poll(fresh=False)
        assert "CA file" in caught.value.words


async def test_a_mailbox_that_does_not_exist():
    async with office() as made:
        with pytest.raises(NotFound, match="ErrorInvalidUser"):
            await made.connector("nobody@example.org").poll(fresh=False)


async def test_a_permission_that_was_not_granted():
    async with office(login={"app_roles": frozenset({"User.Read.All"})}) as made:
        with pytest.raises(Forbidden, match="ErrorAccessDenied"):
            await made.connector().poll(fresh=False)


async def test_an_organisation_that_microsoft_does_not_know():
    async with office(tenant="nowhere.example") as made:
        with pytest.raises(Misconfigured, match="does not know the organisation"):
            await made.connector().poll(fresh=False)


async def test_a_person_without_a_mailbox_is_misconfigured():
    async with office() as made:
        link = replace(made.link(), addresses=())
        with pytest.raises(Misconfigured, match="which mailbox"):
            made.connector(link=link)


# -- several calendars ----------------------------------------------------------------------------------------


async def test_further_calendars_count_each_with_its_meaning():
    async with office(calendar="work", calendars={"On call": "on-call"}) as made:
        calendar = made.server.mailbox(ALICE)
        calendar.put(meeting(10))
        calendar.further["On call"] = on_call = Mailbox()
        calendar.further["Birthdays"] = Mailbox()
        on_call.put(meeting(12))
        connector = made.connector()
        facts = (await connector.poll(fresh=False)).facts
        assert {fact.value.calendar: events_of(fact)[0].start for fact in facts} == {
            "work": at(10),
            "on-call": at(12),
        }
        assert (await connector.poll(fresh=False)).facts is None
        on_call.put(meeting(14))
        _, second = (await connector.poll(fresh=False)).facts
        assert [event.start for event in events_of(second)] == [at(12), at(14)]
        surveyed = await connector.survey()
        assert [(one.name, one.meaning, one.counts) for one in surveyed] == [
            ("Calendar", "work", True),
            ("On call", "on-call", True),
            ("Birthdays", "", False),
        ]


async def test_a_calendar_that_is_missing_is_named_and_found_when_it_comes():
    async with office(calendars={"On call": "on-call"}) as made:
        calendar = made.server.mailbox(ALICE)
        calendar.further["Oncall"] = Mailbox()
        connector = made.connector()
        poll = await connector.poll(fresh=False)
        assert len(poll.facts) == 1 and "“On call”" in poll.problems[0] and "“Oncall”" in poll.problems[0]
        calendar.further["On call"] = Mailbox()
        poll = await connector.poll(fresh=False)
        assert len(poll.facts) == 2 and not poll.problems
        del calendar.further["On call"]
        poll = await connector.poll(fresh=False)
        assert poll.unheard == {"microsoft:m365/alice/On call"} and poll.problems


# -- limits ---------------------------------------------------------------------------------------------------


async def test_graph_is_left_alone_for_as_long_as_it_asked():
    async with office() as made:
        connector = made.connector()
        await connector.poll(fresh=False)
        made.server.throttle[ALICE] = 30
        with pytest.raises(Unreachable) as caught:
            await connector.poll(fresh=False)
        assert caught.value.retry_after == 30
        made.server.throttle.clear()
        made.server.asked.clear()
        made.world.clock.advance(29)
        with pytest.raises(Unreachable, match="slower") as caught:
            await connector.poll(fresh=False)
        assert not made.server.asked and caught.value.retry_after == pytest.approx(1)
        made.world.clock.advance(2)
        assert (await connector.poll(fresh=False)).facts is None


async def test_one_throttled_mailbox_does_not_stop_another():
    async with office() as made:
        made.server.mailbox(BOB).put(meeting(10))
        made.server.throttle[ALICE] = 3600
        with pytest.raises(Unreachable):
            await made.connector().poll(fresh=False)
        assert await starts(made.connector(BOB)) == [at(10)]


async def test_no_mailbox_is_asked_more_than_four_things_at_once():
    async with office() as made:
        made.server.slow = 0.01
        connector = made.connector()
        await asyncio.gather(
            *(connector._polling._streams[0].stream.look(window(), fresh=True, anew=True) for _ in range(9))
        )
        assert made.server.busiest[ALICE] == 4


def window():
    return Window(at(8), at(32))


async def test_a_link_that_leads_elsewhere_is_not_followed():
    async with office() as made:
        connector = made.connector()
        await connector.poll(fresh=False)
        connector._polling._streams[
            0
        ].stream._delta = "https://graph.example.net/v1.0/me/calendarView/delta?$deltatoken=x"
        with pytest.raises(BadData, match="another server"):
            await connector.poll(fresh=False)


async def test_the_runner_drives_it_like_any_other(caplog):
    async with office() as made:
        made.server.mailbox(ALICE).put(meeting(10))
        made.world.runner.add_link(made.link())
        hub = made.world.runner._groups["microsoft"].links["m365"].connector.hub
        made.world.runner._groups["microsoft"].due.discard("m365")  # run would not return
        await made.world.step(1)
        assert made.world.health("m365/alice").state is HealthState.OK
        assert [event.start for event in events_of(made.world.book.of("alice")[0])] == [at(10)]
        made.server.login.revoke()
        made.server.login.error = {"error": "invalid_client", "error_description": "AADSTS7000222: expired."}
        await made.world.step(130)
        health = made.world.health("m365/alice")
        assert health.state is HealthState.AUTH_FAILED and "AADSTS7000222" in health.words
        assert "s3cr3t" not in caplog.text + repr(made.world.told)
        await hub.close()
