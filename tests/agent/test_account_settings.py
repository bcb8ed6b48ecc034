"""From the settings to who may sign in and publish."""

from pathlib import Path

import pytest

from agent import assembly
from agent.settings import load_settings
from agent.sip.digest import make_ha1
from agent.store.store import Store
from agent.vault.keyring import KeyRing
from agent.vault.sealing import Vault
from tests.agent.store.rows import user
from tests.support.clock import VirtualClock

SETTINGS = """
domains: [example.org]
allow_inline_secrets: true
authentication:
  algorithms: [MD5]
  accept_without_qop: true
  accounts: {carol: {password: from-the-file}}
people:
  alice: {sip: "sip:alice@example.org", may_publish: ["sip:PBX@Example.ORG:5060"]}
  bob: {sip: "sip:bob@example.org"}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    return path


def test_who_may_publish_for_whom(path: Path) -> None:
    config = assembly.server_config(load_settings(path, {}))
    alice, bob, pbx = "sip:alice@example.org", "sip:bob@example.org", "sip:PBX@example.org"
    assert config.may_publish(pbx, False, alice) and config.may_publish(alice, False, alice)
    assert not config.may_publish(pbx, False, bob) and not config.may_publish(bob, False, alice)
    assert config.agent_address == "sip:lamplighter@example.org" and config.registrar


async def test_accounts_of_settings_and_store(path: Path) -> None:
    settings = load_settings(path, {})
    clock = VirtualClock()
    store = await Store.open("memory:", clock)
    accounts = assembly.accounts(settings, store, clock, Vault(KeyRing(), bytes))
    passwords = assembly.passwords(settings, accounts)
    assert passwords is not None and passwords.algorithms == ("MD5",) and passwords.accept_without_qop
    assert passwords.lookup("carol", "MD5") == make_ha1("MD5", "carol", "example.org", "from-the-file")
    assert passwords.lookup("alice", "MD5") is None
    store.put_user(user("alice"))
    store.put_user(user("bob", realm="example.net"))
    store.put_user(user("carol"))
    assert passwords.lookup("alice", "MD5") == "m" * 32 and passwords.lookup("alice", "SHA-512-256") is None
    assert passwords.lookup("bob", "MD5") is None, "made for another realm"
    assert passwords.lookup("carol", "MD5") != "m" * 32, "the settings come first"
    await store.close()
