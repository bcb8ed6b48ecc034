"""Yeastar: JSON in JSON, signed."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base import Context, Entry, Link
from connectors.conformance_receive import NOW, FixedClock, ReceiveConformance
from connectors.errors import BadData
from connectors.facts import CallState
from connectors.ingress import Received
from connectors.registry import load
from connectors.yeastar.mapping import event
from tests.agent.web.ingress.door import door
from tests.connectors.receiving import receiving_context


def body(extension: object, status: object, kind: int = 30008) -> bytes:
    message = json.dumps({"extension": extension, "status": status})
    return json.dumps({"type": kind, "sn": "3631A2100042", "msg": message}).encode()


def request(data: bytes, minutes: float = 0) -> Received:
    return Received(
        "POST", "", (), {"content-type": "application/json"}, data, NOW + timedelta(minutes=minutes)
    )


def link(person: str, **settings: object) -> Link:
    extension = {"alice": "2002", "bob": "2005"}[person]
    entry = Entry("pbx", {"extension": "{sip.user}"}, "webh00k-secret")
    return Link(f"pbx/{person}", "yeastar", person, {"extension": extension, **settings}, entry=entry)


class TestConformance(ReceiveConformance):
    name = "yeastar"
    package = "connectors.yeastar"

    def link(self, person: str) -> Link:
        return link(person)

    def context(self, clock: FixedClock) -> Context:
        return receiving_context(clock)

    def request(self, person: str, step: int) -> Received:
        return request(
            body({"alice": "2002", "bob": "2005"}[person], "Ringing" if step % 2 == 0 else "Busy"), step
        )

    async def test_what_comes_late_changes_nothing(self) -> None:
        """Events have no time of their own: there is no late."""


@pytest.mark.parametrize(
    ("status", "state"),
    [("Ringing", CallState.RINGING), ("Busy", CallState.TALKING), ("HOLD", CallState.HELD)],
)
def test_states(status, state):
    told = event(body(2002, status))
    assert told.extension == "2002" and [call.state for call in told.calls] == [state]


def test_idle_is_no_call_and_other_events_are_nothing():
    assert event(body("2002", "Idle")).calls == ()
    assert event(json.dumps({"type": 30011, "sn": "x", "msg": "{}"}).encode()) is None
    for wrong in (
        body("2002", "Juggling"),
        body(None, "Idle"),
        b'{"type": 30008, "msg": "{"}',
        b'{"type": 30008}',
    ):
        with pytest.raises(BadData):
            event(wrong)


async def test_what_is_chosen_at_the_pbx_chooses_a_state():
    said: list[tuple[str, str]] = []

    async def command(person: str, text: str) -> str:
        said.append((person, text))
        return ""

    made_of = load("yeastar")
    context = replace(receiving_context(FixedClock()), command=command)
    hub = made_of.create_hub(link("alice").entry, made_of.read_hub_settings(link("alice").entry), context)
    alice = link("alice", presence={"lunch": "lunch", "available": "auto"})
    made_of.create(alice, made_of.read_settings(alice), replace(context, hub=hub))
    for status in ("lunch", "off_work", "available"):
        await hub.receive(request(body("2002", status, 30009)))
    await hub.receive(request(body("2999", "lunch", 30009)))
    assert said == [("alice", "lunch"), ("alice", "auto")]


async def test_signed_over_http():
    reception = (
        load("yeastar").create_hub(link("alice").entry, None, receiving_context(FixedClock())).reception
    )
    async with door({"pbx": (reception, "webh00k-secret")}) as here:
        data = body("2002", "Ringing")
        digest = hmac.new(b"webh00k-secret", data, hashlib.sha256).digest()
        right = {"X-Signature": base64.b64encode(digest).decode()}
        assert await here.status("/in/pbx", data=data, headers=right) == 204
        for wrong in (
            {},
            {"X-Signature": digest.hex()},
            {"X-Signature": base64.b64encode(digest[::-1]).decode()},
        ):
            assert await here.status("/in/pbx", data=data, headers=wrong) == 401
        assert await here.status("/in/pbx", data=data + b" ", headers=right) == 401
        assert len(here.sources.got) == 1
