"""What connectors keep over a restart: `Context.state` in the clear, `Context.secrets` sealed."""

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from agent.store.linked import ConnectorMemory
from agent.store.protocols import ConnectorMemoryStore
from agent.vault.rows import memory_place, unseal_object
from agent.vault.sealing import Vault, VaultError
from connectors.settings import ACCOUNT

log = logging.getLogger("lamplighter.vault")


class KeptMemories:
    """Gives each owner (a link's id, an entry's key) its two mappings. Every change is written at once; nobody waits
    for it, since all of it can be had from the source again."""

    def __init__(self, store: ConnectorMemoryStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._told: set[str] = set()

    def of(
        self, owner: str, settings: Mapping[str, Any]
    ) -> tuple[MutableMapping[str, str], MutableMapping[str, str]]:
        """(state, secrets) of an owner with these settings; empty ones when they were another account's. Secrets that
        can't be read any more are forgotten, with a line in the log."""
        row = self._store.connector_memory(owner)
        kept = _Kept(self, owner, _account(settings))
        if row is not None and row.account == kept.account:
            kept.state = json.loads(row.state)
            try:
                kept.secrets = unseal_object(self._vault, row.secrets, memory_place(owner))
            except VaultError as error:
                log.warning("%s has to sign in again: %s", owner, error)
        return _Mapping(kept, kept.state), _Mapping(kept, kept.secrets)

    def keep_only(self, owners: Collection[str]) -> None:
        """Forget what belongs to nobody any more."""
        for row in self._store.connector_memories():
            if row.owner not in owners:
                self._store.remove_connector_memory(row.owner)
        self._commit()

    def adopt(
        self, owner: str, settings: Mapping[str, Any], memory: tuple[Mapping[str, str], Mapping[str, str]]
    ) -> None:
        """What a connector found out before the link was kept."""
        self.write(_Kept(self, owner, _account(settings), dict(memory[0]), dict(memory[1])))

    def forget(self, owner: str) -> None:
        """The next one starts anew."""
        self._store.remove_connector_memory(owner)
        self._commit()

    def write(self, kept: "_Kept") -> None:
        sealed: str | None = None
        if kept.secrets and self._vault.can_seal:
            sealed = self._vault.seal(json.dumps(kept.secrets), memory_place(kept.owner))
        elif kept.secrets and kept.owner not in self._told:
            self._told.add(kept.owner)
            log.warning(
                "%s has to sign in again after a restart: there is no key to keep its tokens by", kept.owner
            )
        if kept.state or sealed:
            row = ConnectorMemory(kept.owner, kept.account, json.dumps(kept.state), sealed)
            self._store.put_connector_memory(row)
        else:
            self._store.remove_connector_memory(kept.owner)
        self._commit()

    def _commit(self) -> None:
        self._store.commit().add_done_callback(lambda done: done.cancelled() or done.exception())


@dataclass(slots=True)
class _Kept:
    """What one owner keeps."""

    memories: KeptMemories
    owner: str
    account: str
    state: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


class _Mapping(MutableMapping[str, str]):
    """``content`` is the state or the secrets of ``kept``."""

    def __init__(self, kept: _Kept, content: dict[str, str]) -> None:
        self._kept, self._content = kept, content

    def __getitem__(self, key: str) -> str:
        return self._content[key]

    def __setitem__(self, key: str, value: str) -> None:
        if self._content.get(key) != value:
            self._content[key] = value
            self._kept.memories.write(self._kept)

    def __delitem__(self, key: str) -> None:
        del self._content[key]
        self._kept.memories.write(self._kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"<kept for {self._kept.owner}: {len(self._content)} entries>"


def _account(settings: Mapping[str, Any]) -> str:
    """Stands for the account that settings lead to: which calendars of it count, or how often it is asked, leaves it
    the same."""
    telling = {key: value for key, value in settings.items() if key in ACCOUNT}
    return hashlib.sha256(json.dumps(telling, sort_keys=True, default=str).encode()).hexdigest()[:16]
