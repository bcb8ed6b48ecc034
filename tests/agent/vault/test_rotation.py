"""Rotation over a real database: complete, and never short of a key, wherever it is cut off."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from agent.accounts import Accounts
from agent.errors import UserError
from agent.sip.digest import make_ha1s
from agent.store.linked import StoredLink
from agent.store.store import Store
from agent.vault.keyring import Key, KeyRing
from agent.vault.memory import KeptMemories
from agent.vault.rotation import Keys
from agent.vault.rows import link_place
from agent.vault.sealing import Vault
from agent.vault.sources import find_keys, write_keys
from tests.support.clock import VirtualClock

SECRETS = ("calendar-password", "refresh-token-1234567890", make_ha1s("bob", "example.org", "pw")["SHA-256"])
_numbers: Iterator[int] = count()


class Installation:
    """A key file and a database, opened anew as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.file, self.folder = folder / "lamplighter.key", folder

    async def open(self) -> tuple[Store, Vault, Keys]:
        store = await Store.open(f"sqlite:///{self.folder}/state.db", VirtualClock())
        source = find_keys(self.file, {})
        vault = Vault(source.ring, lambda: os.urandom(12))
        return store, vault, Keys(vault, source, store, lambda: next(_numbers).to_bytes(32, "big"))

    async def fill(self) -> None:
        store, vault, _ = await self.open()
        sealed = vault.seal(SECRETS[0], link_place("office/alice"))
        store.put_link(StoredLink("office/alice", "alice", "office", None, "{}", sealed, 1.0, "command"))
        state, secrets = KeptMemories(store, vault).of("office/alice", {})
        state["home"], secrets["tokens"] = "https://cal.example.org/", SECRETS[1]
        accounts = Accounts(store, VirtualClock(), "example.org", {}, vault)
        await accounts.put({"bob": make_ha1s("bob", "example.org", "pw")})
        await store.close()

    async def read(self) -> tuple[str, ...]:
        """All secrets, as their users see them."""
        store, vault, keys = await self.open()
        await keys.check()
        row = store.link("office/alice")
        assert row is not None and row.secret is not None
        _, secrets = KeptMemories(store, vault).of("office/alice", {})
        ha1 = Accounts(store, VirtualClock(), "example.org", {}, vault).lookup("bob", "SHA-256")
        assert ha1 is not None
        found = (vault.unseal(row.secret, link_place(row.id)), secrets["tokens"], ha1)
        await store.close()
        return found

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.glob("state.db*"))


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    it = Installation(tmp_path)
    write_keys(it.file, KeyRing((Key(b"first".ljust(32)),)))
    return it


async def test_everything_is_sealed_with_a_new_key_and_the_old_one_is_gone(place):
    await place.fill()
    store, vault, keys = await place.open()
    old = vault.ring.keys[0].id
    rotated = await keys.rotate()
    assert (rotated.sealed, rotated.dropped) == (5, (old,))
    assert [row["secrets"] for row in keys.listing()] == [5]
    await store.close()
    assert await place.read() == SECRETS
    assert old.encode() not in place.file.read_bytes() and len(find_keys(place.file, {}).ring.keys) == 1
    assert place.file.stat().st_mode & 0o777 == 0o600
    for secret in SECRETS:
        assert secret.encode() not in place.on_disk()


@pytest.mark.parametrize("step", [1, 2])
async def test_cut_off_anywhere_everything_can_still_be_read(place, step, monkeypatch):
    await place.fill()
    store, _, keys = await place.open()
    if step == 1:  # the new key is in the file, nothing is sealed with it

        async def cut() -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(keys, "_seal", cut)
    else:  # everything is sealed, the old key is still in the file
        original, calls = type(keys._source).replace, count()

        def cut_second(self, ring):
            if next(calls) == 1:
                raise KeyboardInterrupt
            return original(self, ring)

        monkeypatch.setattr(type(keys._source), "replace", cut_second)
    with pytest.raises(KeyboardInterrupt):
        await keys.rotate()
    monkeypatch.undo()
    await store.close()
    assert len(find_keys(place.file, {}).ring.keys) == 2
    assert await place.read() == SECRETS
    store, _, keys = await place.open()
    await keys.rotate()
    await store.close()
    assert len(find_keys(place.file, {}).ring.keys) == 1
    assert await place.read() == SECRETS


async def test_without_its_key_a_store_with_secrets_is_not_used(place):
    await place.fill()
    away = place.file.rename(place.file.with_suffix(".away"))
    store, _, keys = await place.open()
    with pytest.raises(UserError) as refused:
        await keys.check()
    assert "their key is not here" in str(refused.value) and "5 secrets" in str(refused.value)
    assert not any(secret in str(refused.value) for secret in SECRETS)
    await store.close()
    away.rename(place.file)
    assert await place.read() == SECRETS


async def test_what_lay_in_the_clear_is_sealed_at_the_next_start(place):
    file = place.file.rename(place.file.with_suffix(".away"))
    store, vault, keys = await place.open()
    await Accounts(store, VirtualClock(), "example.org", {}, vault).put(
        {"bob": make_ha1s("bob", "example.org", "pw")}
    )
    await keys.check()
    row = store.user("bob")
    assert row is not None and row.sha256 == SECRETS[2], "without a key as before"
    await store.close()
    file.rename(place.file)
    store, vault, keys = await place.open()
    await keys.check()
    row = store.user("bob")
    assert row is not None and row.sha256 is not None and row.sha256.startswith("lv1.")
    assert Accounts(store, VirtualClock(), "example.org", {}, vault).lookup("bob", "SHA-256") == SECRETS[2]
    await store.close()


async def test_keys_of_a_variable_are_turned_by_whoever_keeps_the_variable(place):
    await place.fill()
    old = find_keys(place.file, {}).ring.keys[0]
    new = Key(b"new".ljust(32))
    store, vault, _ = await place.open()
    source = find_keys(place.file, {"LAMPLIGHTER_KEY": f"{new.text},{old.text}"})
    vault.ring = source.ring
    keys = Keys(vault, source, store, lambda: b"")
    rotated = await keys.rotate()
    assert (rotated.key, rotated.sealed, rotated.dropped, rotated.removable) == (new.id, 5, (), (old.id,))
    vault.ring = KeyRing((new,))
    source = find_keys(place.file, {"LAMPLIGHTER_KEY": new.text})
    with pytest.raises(UserError, match="no other to turn to"):
        await Keys(vault, source, store, lambda: b"").rotate()
    await store.close()


async def test_secrets_whose_key_is_lost_can_be_given_up(place):
    await place.fill()
    write_keys(place.file, KeyRing((Key(b"another".ljust(32)),)))
    store, _, keys = await place.open()
    assert await keys.forget() == ["sip_users bob", "links office/alice", "connector_memory office/alice"]
    await keys.check()
    row = store.link("office/alice")
    assert row is not None and row.secret is None
    await store.close()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
async def test_a_key_file_that_others_may_read_is_not_used(place, mode):
    place.file.chmod(mode)
    with pytest.raises(UserError, match="chmod 600"):
        find_keys(place.file, {})


def test_systemds_credential_goes_before_the_file(place, tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir()
    key = Key(b"credential".ljust(32))
    (folder / "lamplighter.key").write_text(key.text)
    source = find_keys(place.file, {"CREDENTIALS_DIRECTORY": str(folder)})
    assert source.ring.keys == (key,) and source.file is None and "systemd" in source.words
