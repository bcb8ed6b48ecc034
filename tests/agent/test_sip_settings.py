"""From the settings to what the presence server does."""

from pathlib import Path

import pytest

from agent import assembly
from agent.errors import UserError
from agent.presence.authorization import SubHandling
from agent.presence.composition import Mode, Policy
from agent.settings import Settings, load_settings
from agent.sip.digest import Credentials
from agent.store.store import Store
from agent.vault.keyring import KeyRing
from agent.vault.sealing import Vault
from tests.support.clock import VirtualClock

ALICE, BOB, EVE = "sip:alice@example.org", "sip:bob@example.org", "sip:eve@example.com"


def settings(folder: Path, text: str) -> Settings:
    path = folder / "lamplighter.yaml"
    path.write_text(f"domains: [example.org]\nallow_inline_secrets: true\n{text}")
    return load_settings(path, {})


def test_who_may_watch(tmp_path: Path) -> None:
    everybody = assembly.authorize(settings(tmp_path, ""))
    assert everybody(ALICE, EVE) is SubHandling.ALLOW
    some = settings(
        tmp_path,
        "authorization: {default: confirm, domains: {Example.COM: polite-block}, pending_for: 2h}",
    )
    decide = assembly.authorize(some)
    assert decide(ALICE, BOB) is SubHandling.CONFIRM and decide(ALICE, EVE) is SubHandling.POLITE_BLOCK
    config = assembly.server_config(some)
    assert config.pending_for == 7200 and config.authorize(ALICE, ALICE) is SubHandling.ALLOW


def test_words_that_are_no_decision_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        settings(tmp_path, "authorization: {default: maybe}")
    assert any("maybe" in problem or "allow" in problem for problem in told.value.problems)


def test_how_documents_are_composed(tmp_path: Path) -> None:
    assert assembly.composition(settings(tmp_path, "")) == Policy()
    other = settings(tmp_path, "composition: {mode: keep-all, unpublished: empty}")
    assert assembly.composition(other) == Policy(Mode.KEEP_ALL, empty_when_unpublished=True)
    newest = settings(tmp_path, "composition: {mode: newest-publication}")
    assert assembly.composition(newest).mode is Mode.NEWEST


def test_messages_calls_and_challenged_notifications(tmp_path: Path) -> None:
    config = assembly.server_config(
        settings(
            tmp_path,
            "message_relay: sip:proxy.example.org\n"
            "dialogs: {minimum_interval: 1s}\n"
            "notify: {minimum_interval: 5s, credentials: {pbx.example.net: {username: ps, password: x}}}",
        )
    )
    assert config.message_relay == "sip:proxy.example.org" and "MESSAGE" in config.methods
    assert (config.minimum_dialog_interval, config.minimum_interval) == (1.0, 5.0)
    assert config.notify_credentials == {"pbx.example.net": Credentials("ps", "x")}


async def test_peers_that_are_trusted_by_certificate(tmp_path: Path) -> None:
    clock = VirtualClock()
    store = await Store.open("memory:", clock)
    said = settings(
        tmp_path, "authentication: {trusted_certificates: [PBX.example.org, 'sip:pbx@Example.ORG:5060']}"
    )
    passwords = assembly.passwords(said, assembly.accounts(said, store, clock, Vault(KeyRing(), bytes)))
    assert passwords is not None
    assert passwords.trusted_certificates == ("pbx.example.org", "sip:pbx@example.org")
    await store.close()
