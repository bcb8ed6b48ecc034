"""OwnTracks over MQTT, with a real broker between."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from agent.app import App, open_app
from agent.clock import SystemClock
from agent.settings import load_settings
from connectors.health import HealthState
from connectors.location.secretbox import closed
from tests.support.certificates import Authority
from tests.support.mosquitto import PASSWORDS, Mosquitto, mosquitto

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SETTINGS = """
domains: [example.org]
rules: rules.yaml
listeners: [{{transport: udp, host: 127.0.0.1, port: 0}}]
http: {{enabled: false}}
allow_inline_secrets: true
store: {{url: "memory:"}}
zones:
  office: {{center: [47.6, 8.7], radius: 150}}
connectors:
  phones:
    connector: owntracks
    everyone: true
    password: {password}
    settings: {{broker: 127.0.0.1, port: {port}, {tls}, username: lamplighter}}
people:
  alice: {{sip: "sip:alice@example.org"}}
  bob:
    sip: sip:bob@example.org
    links: [{{connector: phones, password: b0bs-key}}]
"""
RULES = """
version: 1
states: {office: {note: Here}, elsewhere: {note: There}}
rules:
  - {name: there, when: {place: {zone: office}}, then: {state: office}}
  - {name: elsewhere, when: {place: {zone: none}}, then: {state: elsewhere}}
"""


def settings(
    folder: Path, broker: Mosquitto, password: str = PASSWORDS["lamplighter"], tls: str = "tls: false"
) -> Any:
    (folder / "rules.yaml").write_text(RULES)
    path = folder / "lamplighter.yaml"
    path.write_text(SETTINGS.format(port=broker.port, password=password, tls=tls))
    return load_settings(path, {})


def location(latitude: float, ago: float = 0, **given: object) -> str:
    now = int(SystemClock().wall() - ago)
    return json.dumps(
        {"_type": "location", "lat": latitude, "lon": 8.7, "acc": 9, "tst": now, "tid": "A", **given}
    )


async def state(app: App, person: str, wanted: str) -> None:
    async with asyncio.timeout(20):
        while (now := app.decider.current(person)) is None or now.decision.state != wanted:
            await asyncio.sleep(0.01)


async def health(app: App, *wanted: HealthState) -> None:
    async with asyncio.timeout(30):
        while next(row for row in app.runner.health() if row.link == "phones").state not in wanted:
            await asyncio.sleep(0.01)


async def test_phones_and_a_broker_that_goes_and_comes_back(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        # Told before we came: a retained message counts by its own time.
        await broker.publish("owntracks/alice/pixel", location(47.6, 60), "-r")
        async with open_app(settings(tmp_path, broker), SystemClock()) as app:
            await health(app, HealthState.OK)
            await state(app, "alice", "office")
            await broker.publish("owntracks/alice/pixel", "", "-r")
            await broker.publish("owntracks/alice/pixel", json.dumps({"_type": "lwt", "tst": 1}))
            hidden = closed(json.loads(location(47.6)), "b0bs-key", os.urandom(24))
            await broker.publish("owntracks/bob/phone", json.dumps({"_type": "encrypted", "data": hidden}))
            await state(app, "bob", "office")
            leave = {
                "_type": "transition",
                "event": "leave",
                "desc": "office",
                "tst": int(SystemClock().wall()),
            }
            await broker.publish("owntracks/alice/pixel/event", json.dumps(leave))
            await state(app, "alice", "elsewhere")
            await broker.stop()
            await health(app, HealthState.UNREACHABLE)
            assert app.decider.current("bob").decision.state == "office", (
                "what was known holds until it is stale"
            )
            await broker.start()
            await health(app, HealthState.OK)
            await broker.publish("owntracks/bob/phone", json.dumps({"_type": "encrypted", "data": hidden}))
            await broker.publish("owntracks/alice/pixel", location(47.6))
            await state(app, "alice", "office")


async def test_a_wrong_password_is_said(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker") as broker,
        open_app(settings(tmp_path, broker, "wrong-word"), SystemClock()) as app,
    ):
        await health(app, HealthState.AUTH_FAILED)
        assert "wrong-word" not in str(app.runner.health())


# paho-mqtt 2.2 leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_over_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    shown = authority.issue("127.0.0.1", file="broker")
    async with mosquitto(tmp_path / "broker", shown, authority.path) as broker:
        trusting = f"ca_file: {authority.path}"
        async with open_app(settings(tmp_path, broker, tls=trusting), SystemClock()) as app:
            await health(app, HealthState.OK)
            await broker.publish("owntracks/alice/pixel", location(47.6))
            await state(app, "alice", "office")
        async with open_app(settings(tmp_path, broker, tls="tls: true"), SystemClock()) as app:
            await health(app, HealthState.UNREACHABLE)
