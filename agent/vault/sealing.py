"""One secret, encrypted for one place: AES-256-GCM, bound to its table, row and field. Pure but for the nonces given.

A sealed text is ``lv1.<key id>.<nonce, ciphertext and tag in base64>``. The place is authenticated with it (AAD), so
that nobody who can write to the database can move bob's password into a row that sends it elsewhere.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.vault.keyring import KeyRing

PREFIX = "lv1."
NONCE_SIZE = 12
"Bytes (NIST SP 800-38D §5.2.1.1); random ones are good for 2**32 values under one key."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands, and nowhere else."""

    table: str
    row: str
    field: str

    @property
    def binding(self) -> bytes:
        return json.dumps([PREFIX, self.table, self.row, self.field]).encode()


class VaultError(Exception):
    """A secret that can't be sealed or unsealed; the text is for the administrator and holds no secret."""


class NoKey(VaultError):
    """Nothing to seal with."""

    def __init__(self) -> None:
        super().__init__("there is no key to encrypt secrets with; `lamplighter keys create` makes one")


class KeyMissing(VaultError):
    """Sealed with a key that is not at hand."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the key {key_id} is missing, with which this secret was encrypted")
        self.key_id = key_id


class Altered(VaultError):
    """Not what this vault has sealed for this place."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"the secret in {place.table} of {place.row!r} was altered or moved; give it again")


class Vault:
    """Seals and unseals with the ring of the moment."""

    def __init__(self, ring: KeyRing, nonce: Callable[[], bytes]) -> None:
        """``nonce`` gives `NONCE_SIZE` fresh random bytes."""
        self.ring = ring
        self._nonce = nonce

    @property
    def can_seal(self) -> bool:
        return self.ring.current is not None

    def seal(self, secret: str, place: Place) -> str:
        """Raises NoKey."""
        key = self.ring.current
        if key is None:
            raise NoKey
        nonce = self._nonce()
        box = AESGCM(key.material).encrypt(nonce, secret.encode(), place.binding)
        return f"{PREFIX}{key.id}.{urlsafe_b64encode(nonce + box).decode()}"

    def unseal(self, sealed: str, place: Place) -> str:
        """Raises KeyMissing, Altered."""
        key_id = sealed_with(sealed)
        if key_id is None:
            raise Altered(place)
        key = self.ring.find(key_id)
        if key is None:
            raise KeyMissing(key_id)
        try:
            box = urlsafe_b64decode(sealed.rpartition(".")[2])
            return AESGCM(key.material).decrypt(box[:NONCE_SIZE], box[NONCE_SIZE:], place.binding).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Altered(place) from None


def sealed_with(text: str) -> str | None:
    """The id of the key that sealed a text. None: it is not sealed."""
    if not text.startswith(PREFIX):
        return None
    key_id, dot, _ = text[len(PREFIX) :].partition(".")
    return key_id if dot and key_id else None
