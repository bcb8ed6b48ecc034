"""Presence at a site by 802.1X: a real FreeRADIUS tells which access points people are at."""

import asyncio
from pathlib import Path

import pytest

from agent.app import App, open_app
from agent.clock import SystemClock
from agent.settings import load_settings
from tests.support.freeradius import freeradius

pytestmark = pytest.mark.interop

SETTINGS = """
domains: [example.org]
rules: rules.yaml
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
ingress: {enabled: true, port: 0}
allow_inline_secrets: true
store: {url: "memory:"}
zones: {office: {tags: [site]}}
connectors:
  wifi:
    connector: webhook
    password: rad1us-secret
    everyone: true
    settings: {preset: radius, zones: {"ap-hq-*": office}}
people:
  alice: {sip: "sip:alice@example.org", emails: [alice@example.org]}
"""
RULES = """
version: 1
states: {here: {note: Here}, elsewhere: {note: There}}
rules:
  - {name: there, when: {place: {tag: site}}, then: {state: here}}
  - {name: elsewhere, when: {place: {zone: none}}, then: {state: elsewhere}}
"""


async def state(app: App, wanted: str) -> None:
    async with asyncio.timeout(20):
        while (now := app.decider.current("alice")) is None or now.decision.state != wanted:
            await asyncio.sleep(0.01)


async def test_from_an_access_point_to_a_state(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "lamplighter.yaml").write_text(SETTINGS)
    async with open_app(load_settings(tmp_path / "lamplighter.yaml", {}), SystemClock()) as app:
        url = f"http://127.0.0.1:{app.ingress_port}"
        async with freeradius(tmp_path, url, "/in/wifi", "rad1us-secret") as radius:
            phone = {"User_Name": "alice@example.org", "Acct_Session_Id": "7D-1", "NAS_Identifier": "ap-hq-2"}
            assert await radius.account(Acct_Status_Type="Start", **phone)
            await state(app, "here")
            assert await radius.account(Acct_Status_Type="Stop", **phone)
            await state(app, "elsewhere")
            assert await radius.account(Acct_Status_Type="Start", **{**phone, "Acct_Session_Id": "7D-2"})
            await state(app, "here")
            assert await radius.account(Acct_Status_Type="Accounting-On", NAS_Identifier="ap-hq-2")
            await state(app, "elsewhere")


async def test_what_is_refused_is_not_acknowledged(tmp_path: Path) -> None:
    """So that the access point tries again."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "lamplighter.yaml").write_text(SETTINGS)
    async with open_app(load_settings(tmp_path / "lamplighter.yaml", {}), SystemClock()) as app:
        url = f"http://127.0.0.1:{app.ingress_port}"
        async with freeradius(tmp_path, url, "/in/wifi", "wrong") as radius:
            phone = {"User_Name": "alice@example.org", "Acct_Session_Id": "7D-1", "NAS_Identifier": "ap-hq-2"}
            assert not await radius.account(Acct_Status_Type="Start", **phone)
        assert not app.places.of("alice")
