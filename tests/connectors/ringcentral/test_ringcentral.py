"""RingCentral: the handshake, and presence notifications in their shapes and orders."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.base import Context, Entry, Link
from connectors.conformance_receive import NOW, FixedClock, ReceiveConformance
from connectors.errors import BadData
from connectors.facts import CallState, CallValue, FactBook
from connectors.ingress import Received
from connectors.privacy import Privacy
from connectors.registry import load
from connectors.ringcentral.connector import RingCentralHub
from tests.agent.web.ingress.door import door
from tests.connectors.receiving import receiving_context

IDS = {"alice": "400144450001", "bob": "400144450002"}


def notification(
    extension: object, sequence: int | None, at: datetime = NOW, **body: object
) -> dict[str, Any]:
    inner = {
        "extensionId": extension, "presenceStatus": "Busy", "userStatus": "Available", "dndStatus": "TakeAllCalls",
        "meetingStatus": "Disconnected", "allowSeeMyPresence": True, "ringOnMonitoredCall": False, **body,
    }  # fmt: skip
    if sequence is not None:
        inner["sequence"] = sequence
    return {
        "uuid": "1787755531108370001",
        "event": f"/restapi/v1.0/account/400144450000/extension/{extension}/presence?detailedTelephonyState=true",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "subscriptionId": "5c37f936-0001",
        "ownerId": "400144450009",
        "body": inner,
    }


def call(status: str, direction: str = "Inbound") -> dict[str, str]:
    return {
        "id": "Y3Mx", "direction": direction, "fromName": "Carol", "from": "103", "toName": "Alice", "to": "102",
        "telephonyStatus": status, "sessionId": "4711", "telephonySessionId": "s-1", "partyId": "p-1",
    }  # fmt: skip


def request(document: object, at: datetime = NOW, **headers: str) -> Received:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Received(
        "POST", "", (), {"content-type": "application/json", **named}, json.dumps(document).encode(), at
    )


class TestConformance(ReceiveConformance):
    name = "ringcentral"
    package = "connectors.ringcentral"

    def link(self, person: str) -> Link:
        return make_link(person)

    def context(self, clock: FixedClock) -> Context:
        return receiving_context(clock)

    def request(self, person: str, step: int) -> Received:
        at = NOW + timedelta(minutes=step)
        status = "Ringing" if step % 2 == 0 else "CallConnected"
        return request(
            notification(IDS[person], step, at, telephonyStatus=status, activeCalls=[call(status)]), at
        )


def make_link(person: str, privacy: Privacy = Privacy.BUSY) -> Link:
    entry = Entry("rc", {}, "ver1fy-me")
    settings = {"extension_id": IDS[person]}
    return Link(f"rc/{person}", "ringcentral", person, settings, None, "UTC", (), privacy, entry)


class Account:
    def __init__(self, privacy: Privacy = Privacy.BUSY) -> None:
        made_of = load("ringcentral")
        link = make_link("alice", privacy)
        context = receiving_context(FixedClock())
        self.book = FactBook()
        self.hub = RingCentralHub(link.entry, made_of.read_hub_settings(link.entry), context)
        from dataclasses import replace

        alice = made_of.create(link, made_of.read_settings(link), replace(context, hub=self.hub))
        alice._emit = self.book.put_all

    async def told(self, sequence: int | None, minutes: float = 0, **body: object) -> CallValue | None:
        at = NOW + timedelta(minutes=minutes)
        await self.hub.receive(request(notification(int(IDS["alice"]), sequence, at, **body), at))
        facts = self.book.of("alice")
        return facts[0].value if facts else None


async def test_the_question_whether_the_address_is_ours():
    reply = await RingCentralHub(make_link("alice").entry, None, receiving_context(FixedClock())).receive(
        request(None, validation_token="3a7f-x")
    )
    assert (reply.status, reply.headers) == (200, {"Validation-Token": "3a7f-x"})
    with pytest.raises(BadData):
        await Account().hub.receive(request(None, validation_token="x\r\nSet-Cookie: y"))


async def test_a_call_from_ringing_to_its_end():
    account = Account(Privacy.DETAILS)
    ringing = await account.told(1, telephonyStatus="Ringing", activeCalls=[call("Ringing")])
    assert (ringing.state, ringing.direction, ringing.remote) == (CallState.RINGING, "in", "103")
    out = await account.told(2, 1, telephonyStatus="Ringing", activeCalls=[call("Ringing", "Outbound")])
    assert (out.direction, out.remote) == ("out", "102")
    held = [call("OnHold"), call("CallConnected")]
    assert (
        await account.told(3, 2, telephonyStatus="CallConnected", activeCalls=held)
    ).state is CallState.TALKING
    assert (await account.told(4, 3, telephonyStatus="OnHold", activeCalls=held[:1])).state is CallState.HELD
    idle = await account.told(5, 4, telephonyStatus="NoCall", activeCalls=[])
    assert idle.state is CallState.IDLE and idle.since == NOW + timedelta(minutes=4)


async def test_without_details():
    account = Account()
    for number, (status, state) in enumerate(
        [
            ("Ringing", CallState.RINGING),
            ("CallConnected", CallState.TALKING),
            ("ParkedCall", CallState.HELD),
            ("NoCall", CallState.IDLE),
        ]
    ):
        assert (await account.told(number, number, telephonyStatus=status)).state is state
    assert (await account.told(9, 9, presenceStatus="Offline")).state is CallState.IDLE, "nothing about calls"


async def test_notifications_that_overtake_one_another_or_get_lost():
    account = Account()
    await account.told(7, 1, telephonyStatus="NoCall", activeCalls=[])
    late = await account.told(6, 1, telephonyStatus="Ringing", activeCalls=[call("Ringing")])
    assert late.state is CallState.IDLE
    # 8 and 9 got lost: 10 says all there is.
    assert (
        await account.told(10, 2, telephonyStatus="CallConnected", activeCalls=[call("CallConnected")])
    ).state is CallState.TALKING
    assert (await account.told(10, 2, telephonyStatus="NoCall", activeCalls=[])).state is CallState.TALKING, (
        "a repeat"
    )
    assert (await account.told(None, 1, telephonyStatus="NoCall")).state is CallState.TALKING, (
        "older by its time"
    )


async def test_what_is_not_about_calls_of_ours():
    account = Account()
    reminder = {"event": "/restapi/v1.0/subscription/~?threshold=60&interval=15", "body": {"expiresIn": 60}}
    assert (await account.hub.receive(request(reminder))).status == 200
    await account.hub.receive(request(notification("400144459999", 1, telephonyStatus="Ringing")))
    assert not account.book.of("alice")
    with pytest.raises(BadData, match="Juggling"):
        await account.told(1, telephonyStatus="Juggling")


async def test_only_with_the_verification_token_over_http():
    async with door({"rc": (RingCentralHub.reception, "ver1fy-me")}) as here:
        assert await here.status("/in/rc", headers={"Verification-Token": "ver1fy-me"}) == 204
        assert await here.status("/in/rc", headers={"Verification-Token": "guess"}) == 401
        assert await here.status("/in/rc") == 401
        ((_, received),) = here.sources.got
        assert "verification-token" not in received.headers
