"""Change notifications: the handshake, whom to believe, renewal, and every event in a subscription's life."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.errors import AuthFailed, BadData
from connectors.ingress import Received
from connectors.microsoft.subscriptions import read_notices
from tests.connectors.ingress import way_in
from tests.connectors.microsoft.support import ALICE, BOB, PUBLIC, Office, at, events_of, meeting, office
from tests.support.clock import MONDAY_NINE

SUBJECT = f"m365/alice {ALICE}"


@asynccontextmanager
async def pushed(**given):
    """An office whose hub Microsoft can reach, with alice's calendar read once and subscribed to."""
    async with office(callback_url=PUBLIC, **given) as made, way_in(made.hub.receive) as real:
        made.server.reach[PUBLIC] = real
        made.polls = []
        made.alice = made.connector(poll_now=lambda: made.polls.append(ALICE))
        await made.alice.poll(fresh=False)
        await made.hub.push.tend()
        made.polls.clear()
        await made.alice.poll(fresh=False)
        await made.alice.poll(fresh=False)
        made.server.asked.clear()
        yield made


def subscription(made: Office) -> dict:
    (only,) = made.server.subscriptions.values()
    return only


async def test_a_subscription_is_made_after_a_handshake_at_our_own_door():
    async with pushed() as made:
        known = subscription(made)
        assert (
            known["resource"] == f"users/{ALICE}/events" and known["changeType"] == "created,updated,deleted"
        )
        assert made.server.handshakes == [PUBLIC, PUBLIC]
        assert made.hub.push.covers(SUBJECT)
        assert 32 <= len(known["clientState"]) <= 128


async def test_a_pushed_change_is_read_at_once():
    async with pushed() as made:
        made.server.mailbox(ALICE).put(meeting(10))
        assert await made.server.notify(ALICE) == [202]
        assert made.polls == [ALICE]
        poll = await made.alice.poll(fresh=False)
        assert [event.start for event in events_of(poll.facts[0])] == [at(10)] and poll.announced


async def test_while_changes_are_pushed_polls_ask_nothing_until_it_is_time_to_reconcile():
    async with pushed() as made:
        for _ in range(7):
            made.world.clock.advance(120)
            poll = await made.alice.poll(fresh=False)
            assert poll.facts is None
        assert not made.server.asked and poll.observed_at == MONDAY_NINE
        made.world.clock.advance(120)
        made.server.mailbox(ALICE).put(meeting(10))
        assert (await made.alice.poll(fresh=False)).facts, "a lost push is made good"


async def test_a_change_that_was_told_before_it_could_be_seen_is_looked_for_again():
    async with pushed() as made:
        await made.server.notify(ALICE)
        await made.alice.poll(fresh=False)
        made.server.mailbox(ALICE).put(meeting(10))
        made.world.clock.advance(120)
        assert (await made.alice.poll(fresh=False)).facts


async def test_an_announcement_survives_a_failed_look():
    async with pushed() as made:
        await made.server.notify(ALICE)
        made.server.lever = "silent"
        with pytest.raises(Exception, match=r"127\.0\.0\.1"):
            await made.alice.poll(fresh=False)
        made.server.lever = ""
        assert (await made.alice.poll(fresh=False)).announced


@pytest.mark.parametrize("state", ["guess", "", None, 7, "\udcff"])
async def test_a_notification_without_the_subscriptions_secret_is_ignored(state):
    async with pushed() as made:
        notice = {"subscriptionId": subscription(made)["id"], "clientState": state, "changeType": "updated"}
        reply = await made.hub.receive(received({"value": [notice]}))
        assert reply.status == 202 and not made.polls


async def test_a_secret_opens_its_own_subscription_only():
    async with pushed() as made:
        made.server.mailbox(BOB)
        made.connector(BOB, poll_now=lambda: made.polls.append(BOB))
        await made.hub.push.tend()
        made.polls.clear()
        alice, bob = made.server.subscriptions.values()
        notice = {"subscriptionId": bob["id"], "clientState": alice["clientState"], "changeType": "updated"}
        await made.hub.receive(received({"value": [notice]}))
        assert not made.polls


async def test_several_notifications_in_one_request_reach_everybody_once():
    async with pushed() as made:
        made.server.mailbox(BOB)
        made.connector(BOB, poll_now=lambda: made.polls.append(BOB))
        await made.hub.push.tend()
        made.polls.clear()
        notices = [
            {"subscriptionId": one["id"], "clientState": one["clientState"], "changeType": "created"}
            for one in made.server.subscriptions.values()
        ]
        await made.hub.receive(received({"value": notices * 3}))
        assert sorted(made.polls) == [ALICE, BOB]


def received(document: object, **query: str) -> Received:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Received("POST", "", tuple(query.items()), {}, body, MONDAY_NINE)


async def test_the_handshake_gives_back_the_token_as_plain_text():
    async with pushed() as made:
        token = "Validation: <script>alert(1)</script> & ünïcode"
        reply = await made.hub.receive(received(b"", validationToken=token))
        assert (reply.status, reply.body.decode(), reply.content_type) == (200, token, "text/plain")
        assert (await made.hub.receive(received(b"", validationToken="x" * 5000))).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value": 1}', b"[" * 100_000, b"\xff"])
def test_a_notification_that_makes_no_sense_is_refused(body):
    with pytest.raises(BadData):
        read_notices(body)


def test_an_event_that_is_not_known_yet_means_look():
    (notice,) = read_notices(b'{"value": [{"subscriptionId": "s", "lifecycleEvent": "somethingNew"}]}')
    assert notice.sent == "missed"


async def test_a_subscription_is_renewed_when_half_its_time_is_over():
    async with pushed() as made:
        before = subscription(made)["expirationDateTime"]
        made.world.clock.advance(timedelta(minutes=2000))
        await made.hub.push.tend()
        assert subscription(made)["expirationDateTime"] == before
        made.world.clock.advance(timedelta(minutes=200))
        await made.hub.push.tend()
        assert subscription(made)["expirationDateTime"] > before
        assert await made.server.notify(ALICE) == [202] and made.polls == [ALICE]


async def test_many_share_requests():
    async with pushed() as made:
        for number in range(49):
            made.server.mailbox(f"p{number}@example.org")
            made.connector(f"p{number}@example.org")
        before = made.server.requests
        await made.hub.push.tend()
        assert made.server.requests - before == 13, "four at a time: each waits for its handshakes"
        made.world.clock.advance(timedelta(minutes=2200))
        before = made.server.requests
        await made.hub.push.tend()
        assert made.server.requests - before == 3


async def test_one_that_ran_out_is_made_anew_and_what_was_missed_is_looked_for():
    async with pushed() as made:
        made.world.clock.advance(timedelta(days=4))
        assert not made.hub.push.covers(SUBJECT)
        made.server.subscriptions.clear()
        await made.hub.push.tend()
        assert made.hub.push.covers(SUBJECT) and made.polls == [ALICE]


async def test_reauthorization_is_answered_by_renewing():
    async with pushed() as made:
        before = subscription(made)["expirationDateTime"]
        made.world.clock.advance(60)
        assert await made.server.notify(ALICE, lifecycleEvent="reauthorizationRequired") == [202]
        assert made.hub._soon.is_set() and not made.polls
        await made.hub.push.tend()
        assert subscription(made)["expirationDateTime"] > before


async def test_a_removed_subscription_is_made_anew():
    async with pushed() as made:
        old = subscription(made)["id"]
        await made.server.notify(ALICE, lifecycleEvent="subscriptionRemoved")
        assert not made.hub.push.covers(SUBJECT) and made.hub._soon.is_set()
        await made.hub.push.tend()
        assert subscription(made)["id"] != old and made.polls


async def test_a_subscription_that_nobody_wants_any_more_is_taken_back():
    async with pushed() as made:
        await made.alice.close()
        await made.hub.push.tend()
        assert len(made.server.subscriptions) == 1, "perhaps the link is only made anew"
        made.world.clock.advance(61)
        await made.hub.push.tend()
        assert not made.server.subscriptions and made.hub_secrets["microsoft-subscriptions"] == "[]"


async def test_one_of_an_earlier_run_whose_link_is_gone_is_taken_back():
    async with pushed() as made:
        await made.hub.close()
        made._hub = None
        await made.hub.push.tend()
        assert len(made.server.subscriptions) == 1
        made.world.clock.advance(61)
        await made.hub.push.tend()
        assert not made.server.subscriptions and made.hub_secrets["microsoft-subscriptions"] == "[]"


async def test_a_link_that_is_made_anew_goes_on_being_told():
    async with pushed() as made:
        anew = made.connector(poll_now=lambda: made.polls.append("anew"))
        await made.alice.close()
        made.world.clock.advance(61)
        await made.hub.push.tend()
        await made.server.notify(ALICE)
        assert made.polls == ["anew"] and (await anew.poll(fresh=False)).announced


async def test_two_people_may_look_at_one_mailbox():
    async with pushed() as made:
        settings = {**made.shared, "mailbox": ALICE}
        link = replace(made.link(), id="m365/bob", person="bob", addresses=(BOB,), settings=settings)
        bob = made.connector(link=link, poll_now=lambda: made.polls.append("bob"))
        await made.hub.push.tend()
        made.polls.clear()
        await made.server.notify(ALICE)
        assert sorted(made.polls) == [ALICE, "bob"]
        await bob.close()
        assert (await made.alice.poll(fresh=False)).facts is not None


async def test_a_refused_sign_in_is_not_tried_again_for_each_notification():
    async with pushed() as made:
        made.server.login.revoke()
        made.server.login.error = {"error": "invalid_client", "error_description": "AADSTS7000222"}
        await made.server.notify(ALICE)
        with pytest.raises(AuthFailed):
            await made.alice.poll(fresh=False)
        made.polls.clear()
        await made.server.notify(ALICE)
        assert not made.polls
        made.server.login.error = None
        made.hub._tokens._app = None  # msal itself remembers a refusal for a minute
        assert (await made.alice.poll(fresh=False)).announced, "what was told meanwhile is looked for"
        await made.server.notify(ALICE)
        assert made.polls == [ALICE]


async def test_missed_notifications_are_made_good():
    async with pushed() as made:
        await made.server.notify(ALICE, lifecycleEvent="missed")
        assert made.polls == [ALICE]


async def test_a_subscription_that_is_gone_when_it_is_to_be_renewed_is_made_anew():
    async with pushed() as made:
        made.server.subscriptions.clear()
        made.world.clock.advance(timedelta(minutes=2200))
        await made.hub.push.tend()
        await made.hub.push.tend()
        assert len(made.server.subscriptions) == 1 and made.hub.push.covers(SUBJECT)


async def test_where_microsoft_refuses_the_calendar_is_polled_and_the_reason_told(caplog):
    async with office(callback_url=PUBLIC) as made:
        made.server.reach[PUBLIC] = "http://127.0.0.1:9"
        made.server._handshake = lambda url: asyncio.sleep(0, False)
        made.server.mailbox(ALICE).put(meeting(10))
        connector = made.connector()
        await made.hub.push.tend()
        poll = await connector.poll(fresh=False)
        assert poll.facts and "not pushed" in poll.problems[0] and "cannot reach" in poll.problems[0]
        made.server.asked.clear()
        await made.hub.push.tend()
        assert not made.server.asked, "not asked again at once"
        assert (await connector.poll(fresh=False)).facts is None and made.server.asked
        made.world.clock.advance(61)
        del made.server._handshake
        async with way_in(made.hub.receive) as real:
            made.server.reach[PUBLIC] = real
            await made.hub.push.tend()
        assert made.hub.push.covers(SUBJECT)
        assert not (await connector.poll(fresh=False)).problems
        assert caplog.text.count("not pushed") == 1


async def test_after_a_restart_subscriptions_are_taken_up_again():
    async with pushed() as made:
        await made.hub.close()
        made._hub = None
        later = made.connector(poll_now=lambda: made.polls.append("later"))
        await made.hub.push.tend()
        assert len(made.server.subscriptions) == 1 and made.hub.push.covers(SUBJECT)
        notice = {
            "subscriptionId": subscription(made)["id"],
            "clientState": subscription(made)["clientState"],
        }
        await made.hub.receive(received({"value": [notice]}))
        assert made.polls == ["later"]
        await later.close()
        await made.hub.receive(received({"value": [notice]}))
        assert made.polls == ["later"]


async def test_a_kept_ledger_that_cannot_be_read_is_forgotten():
    async with office(callback_url=PUBLIC) as made:
        made.hub_secrets["microsoft-subscriptions"] = "[[1]]"
        assert not made.hub.push.covers(SUBJECT)


async def test_free_busy_is_not_pushed_and_notifications_can_be_switched_off():
    async with office(callback_url=PUBLIC, mode="free-busy") as made:
        made.connector()
        await made.hub.push.tend()
        assert not made.server.subscriptions
    async with office(callback_url=PUBLIC, notifications=False) as made:
        assert made.hub.push is None
        assert (await made.hub.receive(received(b"", validationToken="x"))).status == 404


async def test_the_hub_keeps_subscriptions_alive_by_itself():
    async with office(callback_url=PUBLIC) as made, way_in(made.hub.receive) as real:
        made.server.reach[PUBLIC] = real
        heard = asyncio.Event()
        running = asyncio.create_task(made.hub.run(heard.set))
        await heard.wait()
        told = asyncio.Event()
        made.connector(poll_now=told.set)
        await told.wait()
        assert made.hub.push.covers(SUBJECT)
        await made.hub.close()
        await running


async def test_no_secret_of_a_subscription_gets_into_the_log(caplog):
    caplog.set_level("DEBUG")
    async with pushed() as made:
        await made.server.notify(ALICE)
        await made.hub.receive(received({"value": [{"subscriptionId": "x", "clientState": "guess"}]}))
        assert "are not ours" in caplog.text
        assert subscription(made)["clientState"] not in caplog.text
        assert subscription(made)["clientState"] not in repr(made.hub.push._ledger)
