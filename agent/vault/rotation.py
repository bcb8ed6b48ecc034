"""A new key for everything: begun, sealed, then the old ones are let go. Safe to be cut off at any point.

    1. the new key goes in front of the old ones in the file (atomic, durable)
    2. every value is sealed with it, and that is made durable
    3. the old keys leave the file

A crash after 1 or 2 leaves more keys than are needed, never fewer; the next run or rotation tidies up.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import UserError
from agent.store.errors import StoreUnavailable
from agent.store.protocols import SecretStore
from agent.vault.keyring import Key
from agent.vault.rows import check_keys, forget_unreadable, keys_in_use, seal_all
from agent.vault.sealing import Vault, VaultError
from agent.vault.sources import KeySource


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    key: str
    "Id of the key that now seals everything."
    sealed: int
    "How many values were sealed anew."
    dropped: tuple[str, ...]
    "Ids of the keys that left the file."
    removable: tuple[str, ...]
    "Ids of the keys that nothing needs any more, where they can't be removed from here."


class Keys:
    """The keys of one installation and what they have sealed. One rotation at a time."""

    def __init__(
        self, vault: Vault, source: KeySource, store: SecretStore, material: Callable[[], bytes]
    ) -> None:
        """``material`` gives `agent.vault.keyring.KEY_SIZE` fresh random bytes."""
        self._vault = vault
        self._source = source
        self._store = store
        self._material = material
        self._busy = False

    async def check(self) -> None:
        """At the start: every secret can be read, and none lies in the clear. Raises UserError."""
        check_keys(self._store, self._vault)
        await self._seal()

    async def forget(self) -> list[str]:
        """Drop the secrets that nothing can read any more; names what they belonged to. Raises UserError."""
        dropped = forget_unreadable(self._store, self._vault)
        await self._durable()
        return dropped

    async def rotate(self) -> Rotated:
        """Raises UserError with what to do; everything can still be read then."""
        if self._busy:
            raise UserError("the keys are being rotated already")
        self._busy = True
        try:
            return await self._rotate()
        finally:
            self._busy = False

    async def _rotate(self) -> Rotated:
        current = self._vault.ring.current
        if current is None:
            raise UserError("there is no key to rotate; `lamplighter keys create` makes one")
        writable = self._source.file is not None
        if writable:
            self._use(self._source.replace(self._source.ring.begun(Key(self._material()))))
        sealed = await self._seal()
        before = self._source.ring
        after = before.only(keys_in_use(self._store))
        gone = tuple(key.id for key in before.keys if key not in after.keys)
        if writable:
            self._use(self._source.replace(after))
        elif sealed == 0 and not gone:
            raise UserError(
                f"everything is encrypted with {current.id}, the first key in {self._source.words}, and there is "
                "no other to turn to",
                ["`lamplighter keys create --print` makes one: put it before the others and restart"],
            )
        now = self._vault.ring.keys[0].id
        return Rotated(now, sealed, gone if writable else (), () if writable else gone)

    async def _seal(self) -> int:
        try:
            sealed = seal_all(self._store, self._vault)
        except VaultError as error:
            raise UserError(f"{error}") from None
        await self._durable()
        return sealed

    async def _durable(self) -> None:
        try:
            await self._store.commit()
        except StoreUnavailable as error:
            raise UserError(
                f"the secrets could not be written: {error}", ["nothing is lost; run this again"]
            ) from None

    def _use(self, source: KeySource) -> None:
        self._source = source
        self._vault.ring = source.ring

    def listing(self) -> list[dict[str, object]]:
        """Every key that is known or needed: id, current, known, how many secrets it has sealed, where it is kept."""
        used = keys_in_use(self._store)
        known = [key.id for key in self._vault.ring.keys]
        return [
            {
                "key": key_id,
                "current": key_id == known[0] if known else False,
                "known": key_id in known,
                "secrets": used[key_id],
                "kept": self._source.words if key_id in known else None,
            }
            for key_id in (*known, *sorted(used.keys() - set(known)))
        ]
