"""What connectors keep over a restart: whose it is, and when it is forgotten."""

from agent.store.store import Store
from agent.vault.keyring import Key, KeyRing
from agent.vault.memory import KeptMemories
from agent.vault.sealing import Vault
from tests.support.clock import VirtualClock

HERE = {"url": "https://cal.example.org/", "username": "alice", "interval": "60s"}


async def opened(tmp_path, ring: KeyRing = KeyRing((Key(b"k" * 32),))) -> tuple[Store, KeptMemories]:  # noqa: B008
    store = await Store.open(f"sqlite:///{tmp_path}/state.db", VirtualClock())
    return store, KeptMemories(store, Vault(ring, lambda: b"n" * 12))


async def test_it_is_there_again_after_a_restart_secrets_sealed(tmp_path):
    store, memories = await opened(tmp_path)
    state, secrets = memories.of("office/alice", HERE)
    state["home"], secrets["token"] = "https://cal.example.org/alice/", "t-0-k-e-n"
    assert "t-0-k-e-n" not in repr(secrets)
    await store.close()
    assert b"t-0-k-e-n" not in (tmp_path / "state.db").read_bytes()
    store, memories = await opened(tmp_path)
    state, secrets = memories.of("office/alice", HERE)
    assert (dict(state), dict(secrets)) == (
        {"home": "https://cal.example.org/alice/"},
        {"token": "t-0-k-e-n"},
    )
    del secrets["token"]
    assert store.connector_memory("office/alice").secrets is None
    await store.close()


async def test_other_settings_of_the_account_keep_it_another_account_does_not(tmp_path):
    store, memories = await opened(tmp_path)
    _, secrets = memories.of("office/alice", HERE)
    secrets["token"] = "t"
    _, same = memories.of("office/alice", {**HERE, "interval": "5m", "calendars": {"Work": "work"}})
    assert dict(same) == {"token": "t"}
    _, other = memories.of("office/alice", {**HERE, "username": "bob"})
    assert dict(other) == {}
    await store.close()


async def test_what_belongs_to_nobody_is_forgotten(tmp_path):
    store, memories = await opened(tmp_path)
    for owner in ("office/alice", "office/bob", "office"):
        memories.of(owner, HERE)[0]["home"] = "x"
    memories.keep_only({"office/alice", "office"})
    assert {row.owner for row in store.connector_memories()} == {"office/alice", "office"}
    memories.forget("office/alice")
    assert {row.owner for row in store.connector_memories()} == {"office"}
    await store.close()


async def test_without_a_key_secrets_are_kept_in_memory_only_and_that_is_said_once(tmp_path, caplog):
    store, memories = await opened(tmp_path, KeyRing())
    state, secrets = memories.of("office/alice", HERE)
    secrets["token"] = "t-0-k-e-n"
    secrets["token"] = "another"
    state["home"] = "x"
    assert secrets["token"] == "another"
    await store.close()
    assert b"another" not in (tmp_path / "state.db").read_bytes()
    assert len([record for record in caplog.records if "no key" in record.getMessage()]) == 1
