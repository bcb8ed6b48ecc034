"""Accounts that were linked by command or page: kept in the store, their secrets sealed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.clock import Clock
from agent.store.linked import StoredLink
from agent.store.protocols import LinkStore
from agent.vault.rows import link_place
from agent.vault.sealing import Vault, VaultError


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    """One account of one person at one source, in the clear."""

    person: str
    source: str
    "Key of an entry under `connectors`, else a connector's name."
    name: str | None = None
    "Tells several links of one person to the same source apart."
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return link_id(self.source, self.person, self.name)


def link_id(source: str, person: str, name: str | None) -> str:
    """``office/alice``, or ``office/alice/private`` for a named one."""
    return "/".join(part for part in (source, person, name) if part)


class LinkedAccounts:
    """Lives on one event loop. Writes raise StoreUnavailable."""

    def __init__(self, store: LinkStore, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def all(self) -> list[LinkedAccount]:
        """By id. One whose secret can't be read has none: its connector then says that it is missing."""
        return [self._read(row) for row in sorted(self._store.links(), key=lambda row: row.id)]

    def find(self, link: str) -> LinkedAccount | None:
        row = self._store.link(link)
        return None if row is None else self._read(row)

    def _read(self, row: StoredLink) -> LinkedAccount:
        secret: str | None = None
        if row.secret is not None:
            try:
                secret = self._vault.unseal(row.secret, link_place(row.id))
            except VaultError:
                secret = None
        return LinkedAccount(row.person, row.source, row.name, json.loads(row.settings), secret)

    async def put(self, account: LinkedAccount, by: str) -> None:
        """Durable when it returns. Raises VaultError when there is a secret and no key."""
        sealed = None if account.secret is None else self._vault.seal(account.secret, link_place(account.id))
        self._store.put_link(
            StoredLink(
                id=account.id,
                person=account.person,
                source=account.source,
                name=account.name,
                settings=json.dumps(dict(account.settings), ensure_ascii=False),
                secret=sealed,
                linked_at=self._clock.wall(),
                linked_by=by,
            )
        )
        await self._store.commit()

    async def remove(self, link: str) -> None:
        """Nothing happens when there is none."""
        self._store.remove_link(link)
        await self._store.commit()
