"""Keys, and the ring of those that are in use. Pure."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

KEY_SIZE = 32
"Bytes: AES-256."


class BadKey(ValueError):
    """A text that is no key; the words never repeat it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key for AES-256-GCM."""

    material: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Stands beside everything that this key has sealed. Says nothing of the key."""
        return sha256(b"lamplighter key id\0" + self.material).hexdigest()[:8]

    @property
    def text(self) -> str:
        """As it is kept in a file or variable."""
        return urlsafe_b64encode(self.material).decode()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The first key seals; every key unseals what it has sealed."""

    keys: tuple[Key, ...] = ()

    @property
    def current(self) -> Key | None:
        return self.keys[0] if self.keys else None

    def find(self, key_id: str) -> Key | None:
        return next((key for key in self.keys if key.id == key_id), None)

    def begun(self, key: Key) -> "KeyRing":
        """With ``key`` in front."""
        return KeyRing((key, *(known for known in self.keys if known != key)))

    def only(self, ids: Iterable[str]) -> "KeyRing":
        """Without the keys that are neither current nor in ``ids``."""
        kept = set(ids)
        return KeyRing(tuple(key for key in self.keys if key == self.current or key.id in kept))

    @property
    def text(self) -> str:
        """One key a line, the current first."""
        return "".join(f"{key.text}\n" for key in self.keys)


def read_keys(text: str) -> KeyRing:
    """Keys separated by blanks, commas or line ends, the current first; ``#`` begins a comment line.

    Raises BadKey with the number of the one that is none.
    """
    words = [
        word
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
        for word in line.replace(",", " ").split()
    ]
    return KeyRing(tuple(dict.fromkeys(_key(word, number) for number, word in enumerate(words, 1))))


def _key(word: str, number: int) -> Key:
    try:
        material = urlsafe_b64decode(word.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        material = b""
    if len(material) != KEY_SIZE:
        raise BadKey(
            f"key {number} is not {KEY_SIZE} bytes in base64; `lamplighter keys create` makes good ones"
        )
    return Key(material)
