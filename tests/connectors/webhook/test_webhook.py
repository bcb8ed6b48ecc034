"""The webhook connector: the suite, CloudEvents, mappings, and the ready-made ones with what their sources send."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Context, Entry, Link
from connectors.conformance_receive import NOW, FixedClock, ReceiveConformance
from connectors.errors import BadData
from connectors.facts import ActivityState, CallState, Fact, FactBook, PlaceValue
from connectors.ingress import Received, Reply
from connectors.privacy import Privacy
from connectors.webhook.connector import WebhookConnector, WebhookHub
from connectors.webhook.settings import WebhookSettings, presets
from tests.connectors.receiving import receiving_context

DOORS = {
    "each": "events[]",
    "when": "type == 'door'",
    "subject": "owner",
    "kind": "place",
    "values": {"zone": "door", "present": {"path": "direction", "map": {"in": True, "out": False}}},
    "time": "at",
    "id": "id",
}


def request(
    body: object, received_at: datetime = NOW, *, person: str | None = None, **headers: str
) -> Received:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    named.setdefault("content-type", "application/json")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Received("POST", "", (), named, data, received_at, person)


def door(owner: str, direction: str, at: datetime, identity: str = "") -> dict[str, object]:
    return {
        "type": "door",
        "owner": owner,
        "door": "HQ",
        "direction": direction,
        "at": at.isoformat(),
        "id": identity or at.isoformat(),
    }


class TestConformance(ReceiveConformance):
    name = "webhook"
    package = "connectors.webhook"

    def link(self, person: str) -> Link:
        entry = Entry("doors", DOORS, "s3cret-word")
        return Link(f"doors/{person}", "webhook", person, DOORS, "s3cret-word", entry=entry)

    def context(self, clock: FixedClock) -> Context:
        return receiving_context(clock)

    def request(self, person: str, step: int) -> Received:
        at = NOW + timedelta(minutes=step)
        return request({"events": [door(person, "in" if step % 2 == 0 else "out", at)]}, at)


class Entrance:
    """A hub with links of alice and bob."""

    def __init__(
        self, settings: dict[str, object], privacy: Privacy = Privacy.BUSY, **subjects: list[str]
    ) -> None:
        self.clock = FixedClock()
        self.book = FactBook()
        entry = Entry("hook", settings, "s3cret")
        context = receiving_context(self.clock)
        self.hub = WebhookHub(entry, WebhookSettings.model_validate(settings), context)
        for person in ("alice", "bob"):
            own = {**settings, "subjects": subjects[person]} if person in subjects else settings
            link = Link(
                f"hook/{person}",
                "webhook",
                person,
                own,
                None,
                "UTC",
                (f"{person}@example.org",),
                privacy,
                entry,
            )
            connector = WebhookConnector(
                link, WebhookSettings.model_validate(own), replace(context, hub=self.hub)
            )
            connector._emit = self.book.put_all

    async def send(self, body: object, received_at: datetime = NOW, **given: str) -> Reply:
        return await self.give(request(body, received_at, **given))

    async def give(self, received: Received) -> Reply:
        self.clock.at = received.received_at
        return await self.hub.receive(received)

    def fact(self, person: str = "alice") -> Fact:
        (fact,) = self.book.of(person)
        return fact

    def zone(self, person: str = "alice") -> str | None:
        value = self.fact(person).value
        assert isinstance(value, PlaceValue)
        return value.zone


ZONE_EVENT = {
    "specversion": "1.0",
    "type": "org.example.zone.entered",
    "source": "/doors/north",
    "id": "n-17",
    "time": "2026-03-02T08:58:12Z",
    "subject": "alice@example.org",
    "data": {"zone": "office"},
}
BY_EVENTS = {"preset": "cloudevents-zone"}


async def test_cloudevents_in_their_three_modes():
    here = Entrance(BY_EVENTS)
    await here.send(ZONE_EVENT, content_type="application/cloudevents+json; charset=utf-8")
    assert here.zone() == "office"
    assert here.fact().observed_at == datetime(2026, 3, 2, 8, 58, 12, tzinfo=UTC)
    assert here.fact().valid_until == here.fact().observed_at + timedelta(hours=12)
    batch = [
        {**ZONE_EVENT, "id": "n-18", "type": "zone.left", "time": "2026-03-02T08:59:00Z"},
        {**ZONE_EVENT, "id": "n-19", "subject": "bob", "data": {"zone": "lab"}},
    ]
    await here.send(batch, content_type="application/cloudevents-batch+json")
    assert (here.zone(), here.zone("bob")) == (None, "lab")
    attributes = {f"ce_{name}": value for name, value in ZONE_EVENT.items() if name != "data"}
    attributes |= {"ce_id": "n-20", "ce_time": "2026-03-02T08:59:30Z", "ce_subject": "alice%40example.org"}
    await here.send({"zone": "gate"}, **attributes)
    assert here.zone() == "gate"


async def test_the_same_event_counts_once_whatever_it_says_the_second_time():
    here = Entrance(BY_EVENTS)
    await here.send(ZONE_EVENT, content_type="application/cloudevents+json")
    again = {**ZONE_EVENT, "time": "2026-03-02T08:59:00Z", "data": {"zone": "elsewhere"}}
    await here.send(again, content_type="application/cloudevents+json")
    assert here.zone() == "office"
    await here.send({**again, "source": "/doors/south"}, content_type="application/cloudevents+json")
    assert here.zone() == "elsewhere"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"specversion": "0.3"}, "1.0"),
        ({"id": ""}, "`id`"),
        ({"source": None}, "`source`"),
        ({"data_base64": "!"}, "base64"),
        ({"time": "noon"}, "time"),
        ({"data": {}}, "zone"),
        ({"type": "org.example.greeting"}, "came"),
        ({"subject": None}, "whom"),
    ],
)
async def test_events_that_make_no_sense_are_named(change, word):
    with pytest.raises(BadData, match=word):
        await Entrance(BY_EVENTS).send({**ZONE_EVENT, **change}, content_type="application/cloudevents+json")


async def test_the_handshake_of_web_hooks():
    asks = replace(request(b""), method="OPTIONS", headers={"webhook-request-origin": "events.example.com"})
    reply = await Entrance(BY_EVENTS).hub.receive(asks)
    assert (reply.status, reply.headers["WebHook-Allowed-Origin"]) == (200, "events.example.com")


async def test_parts_that_make_no_sense_do_not_spoil_the_others():
    here = Entrance(DOORS)
    at = NOW.isoformat()
    await here.send(
        {"events": [{"type": "door", "at": "noon"}, {"type": "fire"}, door("alice", "in", NOW), {"at": at}]}
    )
    assert here.zone() == "HQ"


async def test_a_call_with_the_far_end_only_where_that_may_be_known():
    calls = {
        "kind": "call",
        "subject": "ext",
        "values": {
            "state": {"path": "status", "map": {"Ringing": "ringing", "Busy": "talking", "Idle": "idle"}},
            "direction": {"path": "dir", "map": {"inbound": "in", "outbound": "out"}},
            "remote": "from",
            "device": "ext",
        },
        "ttl": "4h",
    }
    body = {"ext": "201", "status": "RINGING", "dir": "inbound", "from": "+49 30 1234"}
    for privacy, remote in ((Privacy.BUSY, None), (Privacy.DETAILS, "+49 30 1234")):
        here = Entrance(calls, privacy, alice=["201"], bob=["202"])
        await here.send(body)
        value = here.fact().value
        assert (value.state, value.direction, value.remote, value.device) == (
            CallState.RINGING,
            "in",
            remote,
            "201",
        )
        with pytest.raises(BadData, match="state"):
            await here.send({**body, "status": "Parked"})


async def test_activity_of_several_devices():
    settings = {
        "kind": "activity",
        "subject": "who",
        "values": {"state": "state", "device": "pc", "last_input": "last"},
        "time": "at",
    }
    here = Entrance(settings)
    for pc, state in (("desk", "idle"), ("lap", "active")):
        await here.send({"who": "alice", "pc": pc, "state": state, "last": 1772441900, "at": 1772441940})
    first, second = here.book.of("alice")
    assert (first.value.device, first.value.state) == ("desk", ActivityState.IDLE)
    assert second.value.last_input == datetime(2026, 3, 2, 8, 58, 20, tzinfo=UTC)


async def test_forms_and_queries():
    settings = {"preset": "zone", "methods": ["POST", "GET"]}
    here = Entrance(settings)
    await here.send(b"person=alice&zone=office", content_type="application/x-www-form-urlencoded")
    assert here.zone() == "office"
    got = Received("GET", "", (("person", "bob"), ("zone", "lab")), {}, b"", NOW)
    await here.give(got)
    assert here.zone("bob") == "lab"


async def test_a_persons_token_speaks_for_that_person_alone():
    here = Entrance({"preset": "zone"})
    await here.send({"zone": "office"}, person="alice")
    assert here.zone() == "office"
    with pytest.raises(BadData, match="token"):
        await here.send({"person": "bob", "zone": "lab"}, person="alice")
    assert not here.book.of("bob")


async def test_a_clock_that_is_ahead_is_not_believed_one_that_is_behind_is():
    here = Entrance({"preset": "zone"})
    await here.send({"person": "alice", "zone": "a", "ts": (NOW + timedelta(hours=3)).isoformat()})
    assert here.fact().observed_at == NOW
    await here.send({"person": "alice", "zone": "b", "ts": (NOW - timedelta(hours=3)).isoformat()})
    assert here.zone() == "a"
    await here.send({"person": "alice", "zone": "b", "ts": (NOW + timedelta(seconds=30)).timestamp() * 1000})
    assert here.zone() == "b" and here.fact().observed_at == NOW + timedelta(seconds=30)


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_is_a_mapping(name):
    assert WebhookSettings.model_validate({"preset": name}).kind == "place"


async def test_somebody_who_is_not_linked_is_worth_a_line_now_and_then_and_no_name(caplog):
    here = Entrance({"preset": "zone"})
    with caplog.at_level("INFO", "connectors.strangers"):
        for number in range(25):
            assert (await here.send({"person": f"guest{number}", "zone": "lobby"})).status == 204
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2 and "10 times" in told[1] and not any("guest" in line for line in told)
