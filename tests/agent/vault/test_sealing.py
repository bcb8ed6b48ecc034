"""What is sealed for one place opens there with its key, and nowhere else."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.vault.keyring import BadKey, Key, KeyRing, read_keys
from agent.vault.sealing import Altered, KeyMissing, NoKey, Place, Vault, sealed_with

OLD, NEW = Key(b"o" * 32), Key(b"n" * 32)
HERE = Place("links", "office/alice", "secret")


def vault(*keys: Key) -> Vault:
    numbers = count()
    return Vault(KeyRing(keys), lambda: next(numbers).to_bytes(12, "big"))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_is_sealed_comes_back_and_is_not_to_be_seen(secret):
    it = vault(NEW)
    sealed = it.seal(secret, HERE)
    assert it.unseal(sealed, HERE) == secret
    assert sealed_with(sealed) == NEW.id
    assert len(secret) < 6 or secret not in sealed


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("connector_memory", "office/alice", "secret"),
        Place("links", "office/bob", "secret"),
        Place("links", "office/alice", "settings"),
        Place("links", 'office/alice", "secret', ""),
    ],
)
def test_a_secret_that_was_moved_does_not_open(elsewhere):
    it = vault(NEW)
    with pytest.raises(Altered, match="give it again"):
        it.unseal(it.seal("hunter2", HERE), elsewhere)


@given(st.data())
def test_no_character_can_be_changed(data):
    it = vault(NEW)
    sealed = it.seal("correct horse battery staple", HERE)
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_.=").filter(lambda c: c != sealed[at]))
    with pytest.raises((Altered, KeyMissing)):
        it.unseal(sealed[:at] + other + sealed[at + 1 :], HERE)


def test_the_same_secret_twice_looks_different():
    it = vault(NEW)
    assert it.seal("same", HERE) != it.seal("same", HERE)


def test_old_keys_open_what_they_sealed_and_seal_nothing_new():
    sealed = vault(OLD).seal("hunter2", HERE)
    both = vault(NEW, OLD)
    assert both.unseal(sealed, HERE) == "hunter2"
    assert sealed_with(both.seal("hunter2", HERE)) == NEW.id
    with pytest.raises(KeyMissing) as missing:
        vault(NEW).unseal(sealed, HERE)
    assert OLD.id in str(missing.value) and "hunter2" not in str(missing.value)


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(NoKey, match="keys create"):
        vault().seal("hunter2", HERE)


def test_keys_as_they_stand_in_a_file():
    ring = read_keys(f"# a comment\n{NEW.text}\n\n{OLD.text}, {NEW.text}\n")
    assert ring == KeyRing((NEW, OLD))
    assert read_keys(ring.text) == ring
    assert NEW.text not in repr(ring) and str(NEW.material) not in repr(ring)
    with pytest.raises(BadKey) as bad:
        read_keys(f"{NEW.text}\nhunter2-is-no-key")
    assert "key 2" in str(bad.value) and "hunter2" not in str(bad.value)


def test_a_ring_drops_what_nothing_needs_but_never_its_first():
    ring = KeyRing((OLD,)).begun(NEW)
    assert ring.keys == (NEW, OLD)
    assert ring.only([OLD.id]).keys == (NEW, OLD)
    assert ring.only([]).keys == (NEW,)
