"""Every sealed value that the store has: which keys they need, and sealing them anew."""

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from agent.errors import UserError
from agent.store.protocols import SecretStore
from agent.vault.sealing import Place, Vault, VaultError, sealed_with


@dataclass(frozen=True, slots=True)
class _Table:
    """A kind of row with secrets. ``fields`` are texts or None."""

    name: str
    key: str
    fields: tuple[str, ...]
    rows: Callable[[SecretStore], Collection[Any]]
    put: Callable[[SecretStore, Any], None]


_TABLES = (
    _Table("sip_users", "username", ("md5", "sha256", "sha512_256"), lambda s: s.users(), lambda s, r: s.put_user(r)),
    _Table("links", "id", ("secret",), lambda s: s.links(), lambda s, r: s.put_link(r)),
    _Table(
        "connector_memory", "owner", ("secrets",),
        lambda s: s.connector_memories(), lambda s, r: s.put_connector_memory(r),
    ),
)  # fmt: skip


def user_place(username: str, field: str) -> Place:
    return Place("sip_users", username, field)


def link_place(link_id: str) -> Place:
    return Place("links", link_id, "secret")


def memory_place(owner: str) -> Place:
    return Place("connector_memory", owner, "secrets")


def keys_in_use(store: SecretStore) -> Counter[str]:
    """Key id -> how many values it has sealed."""
    values = (getattr(row, field) for table in _TABLES for row in table.rows(store) for field in table.fields)
    return Counter(key_id for value in values if value and (key_id := sealed_with(value)))


def check_keys(store: SecretStore, vault: Vault) -> None:
    """Raises UserError unless every sealed value can be read: a service without its passwords would fail slowly and
    in many places."""
    lacking = {
        key_id: count for key_id, count in keys_in_use(store).items() if vault.ring.find(key_id) is None
    }
    if lacking:
        raise UserError(
            "the store has encrypted secrets, and their key is not here",
            [
                f"key {key_id}: {count} secret{'s' if count > 1 else ''}"
                for key_id, count in sorted(lacking.items())
            ]
            + [
                "give the service the key file that it had (`store.key_file`, the variable LAMPLIGHTER_KEY or "
                "systemd's credential lamplighter.key)",
                "if the key is lost for good: `lamplighter keys forget` drops these secrets, to be given again",
            ],
        )


def seal_all(store: SecretStore, vault: Vault) -> int:
    """Seal with the current key whatever is not: plain values, and those of older keys. Returns how many; durable
    after the next commit. Raises VaultError before anything is changed."""
    current = vault.ring.current
    if current is None:
        return 0
    fresh: list[tuple[_Table, Any, int]] = []
    for table in _TABLES:
        for row in table.rows(store):
            sealed = {}
            for field in table.fields:
                value = getattr(row, field)
                if value is not None and sealed_with(value) != current.id:
                    place = Place(table.name, getattr(row, table.key), field)
                    plain = value if sealed_with(value) is None else vault.unseal(value, place)
                    sealed[field] = vault.seal(plain, place)
            if sealed:
                fresh.append((table, replace(row, **sealed), len(sealed)))
    for table, row, _ in fresh:
        table.put(store, row)
    return sum(count for _, _, count in fresh)


def forget_unreadable(store: SecretStore, vault: Vault) -> list[str]:
    """Drop every secret whose key is lost, and name what they belonged to."""
    dropped = []
    for table in _TABLES:
        for row in table.rows(store):
            lost: dict[str, None] = {}
            for field in table.fields:
                value = getattr(row, field)
                if value is not None and not _readable(
                    vault, value, Place(table.name, getattr(row, table.key), field)
                ):
                    lost[field] = None
            if lost:
                dropped.append(f"{table.name} {getattr(row, table.key)}")
                table.put(store, replace(row, **lost))
    return dropped


def unseal_object(vault: Vault, sealed: str | None, place: Place) -> dict[str, str]:
    """A sealed JSON object of texts; None is an empty one. Raises VaultError."""
    if sealed is None:
        return {}
    found: dict[str, str] = json.loads(vault.unseal(sealed, place))
    return found


def _readable(vault: Vault, value: str, place: Place) -> bool:
    if sealed_with(value) is None:
        return True
    try:
        vault.unseal(value, place)
    except VaultError:
        return False
    return True
