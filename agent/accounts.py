"""Who may sign in with a password: accounts of the settings, and those that `lamplighter users` keeps in the store."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from agent.clock import Clock
from agent.presence.records import SipUser
from agent.store.protocols import UserStore
from agent.vault.rows import user_place
from agent.vault.sealing import Vault, VaultError, sealed_with

log = logging.getLogger("lamplighter.accounts")

LONGEST_NAME = 100
_FIELDS = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


class AccountProblem(ValueError):
    """What is asked for can't be done; the text is for the administrator."""


class Accounts:
    """``fixed``: user name -> hash name -> HA1, from the settings; they come first and can't be changed here.

    An HA1 is as good as the password (RFC 7616 §5.13): where there is a key, they are sealed in the store.
    """

    def __init__(
        self,
        store: UserStore,
        clock: Clock,
        realm: str,
        fixed: Mapping[str, Mapping[str, str]],
        vault: Vault,
    ) -> None:
        self.realm = realm
        self._store = store
        self._clock = clock
        self._fixed = fixed
        self._vault = vault

    def lookup(self, username: str, name: str) -> str | None:
        """The HA1 for a hash name, as `DigestServer.check` asks for it."""
        if username in self._fixed:
            return self._fixed[username].get(name)
        row = self._store.user(username)
        kept = row.ha1(name) if row is not None and row.realm == self.realm else None
        if kept is None or sealed_with(kept) is None:
            return kept
        try:
            return self._vault.unseal(kept, user_place(username, _FIELDS[name]))
        except VaultError as error:
            log.warning("%s cannot sign in: %s", username, error)
            return None

    def listing(self) -> list[dict[str, Any]]:
        """Everybody, by name: username, where it is kept, for which algorithms, whether it can be used."""
        rows: list[dict[str, Any]] = [
            {
                "username": name,
                "kept": "settings",
                "algorithms": list(hashes),
                "usable": True,
                "changed": None,
            }
            for name, hashes in self._fixed.items()
        ]
        for row in self._store.users():
            if row.username in self._fixed:
                continue
            rows.append(
                {
                    "username": row.username,
                    "kept": "store",
                    "algorithms": [name for name in ("SHA-512-256", "SHA-256", "MD5") if row.ha1(name)],
                    "usable": row.realm == self.realm,
                    "changed": datetime.fromtimestamp(row.changed_at, UTC).isoformat(),
                }
            )
        return sorted(rows, key=lambda row: str(row["username"]))

    async def put(
        self,
        users: Mapping[str, Mapping[str, str]],
        must: Literal["be new", "exist", "be named"] = "be named",
    ) -> None:
        """Keep these hashes (user name -> hash name -> HA1), all or none; they hold at once.

        Raises AccountProblem for what can't be taken, StoreUnavailable when it can't be kept.
        """
        for username, hashes in users.items():
            self._check(username, hashes)
            known = self._store.user(username) is not None
            if must == "be new" and known:
                raise AccountProblem(
                    f"there is a user {username!r} already; `users passwd` changes the password"
                )
            if must == "exist" and not known:
                raise AccountProblem(f"there is no user {username!r}; `users add` makes one")
        now = self._clock.wall()
        for username, hashes in users.items():
            self._store.put_user(
                SipUser(
                    username,
                    self.realm,
                    self._sealed(username, "MD5", hashes),
                    self._sealed(username, "SHA-256", hashes),
                    self._sealed(username, "SHA-512-256", hashes),
                    now,
                )
            )
        await self._store.commit()

    def _sealed(self, username: str, name: str, hashes: Mapping[str, str]) -> str | None:
        ha1 = hashes.get(name)
        if ha1 is None or not self._vault.can_seal:
            return ha1
        return self._vault.seal(ha1, user_place(username, _FIELDS[name]))

    async def remove(self, usernames: Iterable[str]) -> None:
        """Raises AccountProblem when one is not there, StoreUnavailable."""
        names = list(usernames)
        for username in names:
            if username in self._fixed:
                raise AccountProblem(f"{username!r} stands in the settings file; take it out there")
            if self._store.user(username) is None:
                raise AccountProblem(f"there is no user {username!r}")
        for username in names:
            self._store.remove_user(username)
        await self._store.commit()

    def _check(self, username: str, hashes: Mapping[str, str]) -> None:
        if username in self._fixed:
            raise AccountProblem(f"{username!r} stands in the settings file; change it there")
        if (problem := name_problem(username)) is not None:
            raise AccountProblem(problem)
        sizes = {"MD5": 32, "SHA-256": 64, "SHA-512-256": 64}
        if not hashes or any(
            len(text) != sizes.get(name) or set(text) - set("0123456789abcdef")
            for name, text in hashes.items()
        ):
            raise AccountProblem(f"no usable hash for {username!r}")


def name_problem(username: str) -> str | None:
    """What is wrong with a user name; None: nothing."""
    if not username or len(username) > LONGEST_NAME:
        return f"a user name has 1 to {LONGEST_NAME} characters"
    if "@" in username:
        return f"{username!r}: the user name alone, without the domain"
    if ":" in username or not username.isprintable() or username.strip() != username:
        return f"{username!r}: no colons, control characters or blanks around a user name"
    return None
