"""What connectors keep over a restart: `Context.state` in the clear, `Context.secrets` sealed."""

import json
import logging
from collections.abc import Iterator, MutableMapping

from agent.store.linked import ConnectorMemory
from agent.store.protocols import ConnectorMemoryStore
from agent.vault.rows import memory_place, unseal_object
from agent.vault.sealing import Vault, VaultError

log = logging.getLogger("lamplighter.vault")


class KeptMemories:
    """Gives each owner (a link's id, an entry's key) its two mappings. Every change is written at once; nobody waits
    for it, since all of it can be had from the source again."""

    def __init__(self, store: ConnectorMemoryStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def of(self, owner: str) -> tuple[MutableMapping[str, str], MutableMapping[str, str]]:
        """(state, secrets). Secrets that can't be read any more are forgotten, with a line in the log."""
        row = self._store.connector_memory(owner)
        state: dict[str, str] = {} if row is None else json.loads(row.state)
        secrets: dict[str, str] = {}
        if row is not None:
            try:
                secrets = unseal_object(self._vault, row.secrets, memory_place(owner))
            except VaultError as error:
                log.warning("%s has to sign in again: %s", owner, error)
        return _Kept(self, owner, state, secrets, state), _Kept(self, owner, state, secrets, secrets)

    def forget(self, owner: str) -> None:
        """The link is gone for good."""
        self._store.remove_connector_memory(owner)
        self._commit()

    def write(self, owner: str, state: dict[str, str], secrets: dict[str, str]) -> None:
        sealed: str | None = None
        if secrets and self._vault.can_seal:
            sealed = self._vault.seal(json.dumps(secrets), memory_place(owner))
        elif secrets:
            log.warning(
                "%s will have to sign in again after a restart: there is no key to keep its tokens by", owner
            )
        if state or sealed:
            self._store.put_connector_memory(ConnectorMemory(owner, json.dumps(state), sealed))
        else:
            self._store.remove_connector_memory(owner)
        self._commit()

    def _commit(self) -> None:
        self._store.commit().add_done_callback(lambda done: done.cancelled() or done.exception())


class _Kept(MutableMapping[str, str]):
    """One of the two mappings of an owner; ``content`` is ``state`` or ``secrets``."""

    def __init__(
        self,
        memories: KeptMemories,
        owner: str,
        state: dict[str, str],
        secrets: dict[str, str],
        content: dict[str, str],
    ) -> None:
        self._memories, self._owner = memories, owner
        self._state, self._secrets, self._content = state, secrets, content

    def __getitem__(self, key: str) -> str:
        return self._content[key]

    def __setitem__(self, key: str, value: str) -> None:
        if self._content.get(key) != value:
            self._content[key] = value
            self._memories.write(self._owner, self._state, self._secrets)

    def __delitem__(self, key: str) -> None:
        del self._content[key]
        self._memories.write(self._owner, self._state, self._secrets)

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"<kept for {self._owner}: {len(self._content)} entries>"
