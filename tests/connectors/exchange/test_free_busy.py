"""What mailboxes show everybody: a hundred of them in one request."""

from datetime import timedelta

import pytest

from connectors.errors import AuthFailed, BadData, Forbidden, NotFound, Unreachable
from connectors.facts import Shows
from connectors.privacy import Privacy
from tests.connectors.exchange.ews_server import Mailbox
from tests.connectors.exchange.support import ALICE, BOB, at, events_of, meeting, office


async def test_a_hundred_mailboxes_share_a_request():
    async with office() as made:
        people = [f"p{number}@example.org" for number in range(250)]
        for number, person in enumerate(people):
            made.ews.put(person, meeting(10 + number / 60))
        connectors = [made.connector(person) for person in people]
        for number, connector in enumerate(connectors):
            (fact,) = (await connector.poll(fresh=False)).facts
            assert events_of(fact)[0].start == at(10) + timedelta(minutes=number)
        assert made.ews.asked == ["GetUserAvailability"] * 3


@pytest.mark.parametrize(
    "busy, shows",
    [
        ("Free", Shows.FREE),
        ("Tentative", Shows.TENTATIVE),
        ("Busy", Shows.BUSY),
        ("OOF", Shows.OUT_OF_OFFICE),
        ("WorkingElsewhere", Shows.ELSEWHERE),
    ],
)
async def test_what_an_event_shows(busy, shows):
    async with office() as made:
        made.ews.put(ALICE, meeting(10, busy=busy))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        assert [event.shows for event in events_of(fact)] == [shows]


async def test_whole_days_are_told_by_their_midnights_in_the_persons_zone():
    async with office() as made:
        made.ews.put(ALICE, meeting(-1, 24, busy="Free"), meeting(23, 24, busy="OOF"), meeting(0, 24))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        assert [(event.start.hour, event.all_day) for event in events_of(fact)] == [
            (23, True),
            (0, False),
            (23, True),
        ], "midnight in Berlin is 23:00 UTC in winter"


async def test_words_are_asked_for_only_where_they_may_be_known():
    async with office() as made:
        for person in (ALICE, BOB):
            made.ews.put(
                person, meeting(10, subject="Budget"), meeting(12, subject="Doctor", sensitivity="Private")
            )
        (shy,) = (await made.connector(ALICE).poll(fresh=False)).facts
        assert b"DetailedMerged" not in b"".join(made.ews.requests)
        assert [event.title for event in events_of(shy)] == [None, None]
        (open_,) = (await made.connector(BOB, Privacy.DETAILS).poll(fresh=False)).facts
        assert [event.title for event in events_of(open_)] == ["Budget", None]
        assert [event.private for event in events_of(open_)] == [False, True]


async def test_a_mailbox_that_shows_only_slots():
    async with office() as made:
        made.ews.mailboxes[ALICE] = Mailbox(view="MergedOnly", merged="0002233100")
        (fact,) = (await made.connector().poll(fresh=False)).facts
        begin = made.world.clock.now() - timedelta(hours=1)
        slot = timedelta(minutes=15)
        assert [(event.shows, event.start - begin, event.end - begin) for event in events_of(fact)] == [
            (Shows.BUSY, 3 * slot, 5 * slot),
            (Shows.OUT_OF_OFFICE, 5 * slot, 7 * slot),
            (Shows.TENTATIVE, 7 * slot, 8 * slot),
        ]


async def test_one_mailbox_that_cannot_be_read_does_not_silence_the_others():
    async with office() as made:
        made.ews.mailboxes[ALICE] = Mailbox(error="ErrorNoFreeBusyAccess")
        made.ews.mailboxes["hidden@example.org"] = Mailbox(view="None")
        made.ews.mailboxes["slow@example.org"] = Mailbox(error="ErrorTimeoutExpired")
        made.ews.put(BOB, meeting(10))
        addresses = (ALICE, "hidden@example.org", "slow@example.org", "nobody@example.org")
        alice, hidden, slow, nobody = (made.connector(address) for address in addresses)
        assert (await made.connector(BOB).poll(fresh=False)).facts
        for connector, error in (
            (alice, Forbidden),
            (hidden, Forbidden),
            (slow, Unreachable),
            (nobody, NotFound),
        ):
            with pytest.raises(error) as raised:
                await connector.poll(fresh=False)
            assert raised.value.words


async def test_nothing_new_is_no_fact_until_the_window_wears_out():
    async with office() as made:
        made.ews.put(ALICE, meeting(10))
        connector = made.connector()
        assert (await connector.poll(fresh=False)).facts
        made.world.clock.advance(60)
        assert (await connector.poll(fresh=False)).facts is None
        made.world.clock.advance(24 * 3600)
        assert (await connector.poll(fresh=False)).facts is not None


async def test_a_busy_server_says_when_to_come_back():
    async with office() as made:
        made.ews.fault = ("ErrorServerBusy", 297_749)
        with pytest.raises(Unreachable) as raised:
            await made.connector().poll(fresh=False)
        assert raised.value.retry_after == pytest.approx(297.749)


@pytest.mark.parametrize(
    "code, error",
    [
        ("ErrorAccessDenied", Forbidden),
        ("ErrorImpersonateUserDenied", Forbidden),
        ("ErrorPasswordExpired", AuthFailed),
        ("ErrorInvalidRequest", BadData),
        ("ErrorInternalServerTransientError", Unreachable),
    ],
)
async def test_faults_are_told_apart(code, error):
    async with office() as made:
        made.ews.fault = (code, None)
        with pytest.raises(error):
            await made.connector().poll(fresh=False)


async def test_ntlm_signs_in_the_connection(tmp_path, monkeypatch):
    accounts = tmp_path / "accounts"
    accounts.write_text("EXAMPLE:lamplighter:correct horse\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(accounts))
    async with office(sign_in="ntlm") as made:
        made.ews.put(ALICE, meeting(10))
        connector = made.connector()
        assert (await connector.poll(fresh=False)).facts
        assert await connector.poll(fresh=True)
        assert made.ews.asked == ["GetUserAvailability"] * 2
        made.ews.lever = "refuse"
        with pytest.raises(AuthFailed):
            await connector.poll(fresh=True)


async def test_a_wrong_ntlm_password_is_told(tmp_path, monkeypatch):
    accounts = tmp_path / "accounts"
    accounts.write_text("EXAMPLE:lamplighter:another\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(accounts))
    async with office(sign_in="ntlm") as made:
        with pytest.raises(AuthFailed):
            await made.connector().poll(fresh=False)


async def test_what_concerns_everybody_shows_at_the_entry():
    async with office() as made:
        made.ews.put(ALICE, meeting(10))
        heard = []
        running = made.hub.run(lambda: heard.append(True))
        running.send(None)
        await made.connector().poll(fresh=False)
        assert heard == [True]
        running.close()
