"""The tokens that let sources in: made at random, shown once, kept as hashes, revoked at will."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from agent.clock import Clock
from agent.presence.records import IngressToken
from agent.store.protocols import TokenStore

PREFIX = "lamp_"
"What every token begins with: found by whoever looks for secrets in files, and by our own redaction."
LONGEST_NOTE = 100


class TokenProblem(ValueError):
    """What is asked for can't be done; the text is for the administrator."""


def hashed(token: str) -> str:
    """A token has 192 random bits, so that a plain hash keeps it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(shown: str, secret: str) -> bool:
    """In the same time whatever is shown."""
    return hmac.compare_digest(hashed(shown), hashed(secret))


class IngressTokens:
    """``entries()`` and ``people()``: what there is to make tokens for. One at a time owns the store's tokens."""

    def __init__(
        self,
        store: TokenStore,
        clock: Clock,
        entries: Callable[[], Collection[str]],
        people: Callable[[], Collection[str]],
    ) -> None:
        self._store, self._clock = store, clock
        self._entries, self._people = entries, people
        self._by_digest = {row.digest: row for row in store.tokens()}

    def find(self, token: str) -> IngressToken | None:
        """The row of a token that somebody shows.

        Looking up by hash tells a guesser nothing: who can't choose the hash can't approach it step by step.
        """
        digest = hashed(token)
        row = self._by_digest.get(digest)
        return row if row is not None and hmac.compare_digest(row.digest, digest) else None

    def listing(self) -> list[dict[str, Any]]:
        """Every token, oldest first: id, entry, person, note, created."""
        rows = sorted(self._store.tokens(), key=lambda row: (row.created_at, row.id))
        return [
            {
                "id": row.id,
                "entry": row.entry,
                "person": row.person,
                "note": row.note,
                "created": datetime.fromtimestamp(row.created_at, UTC).isoformat(),
            }
            for row in rows
        ]

    def check(self, entry: str, person: str | None) -> None:
        """Could there be a token for them? Raises TokenProblem."""
        if entry not in self._entries():
            known = ", ".join(sorted(self._entries())) or "none"
            raise TokenProblem(f"there is nothing called {entry!r} to make a token for; there are: {known}")
        if person is not None and person not in self._people():
            raise TokenProblem(f"nobody is called {person!r}")

    async def create(self, entry: str, person: str | None, note: str) -> tuple[IngressToken, str]:
        """The row, and the token itself, which nobody sees again. Raises TokenProblem, StoreUnavailable."""
        self.check(entry, person)
        if len(note) > LONGEST_NOTE or not re.fullmatch(r"[^\x00-\x1f\x7f]*", note):
            raise TokenProblem(f"a note is one line of at most {LONGEST_NOTE} characters")
        token = PREFIX + secrets.token_urlsafe(24)
        taken = {row.id for row in self._store.tokens()}
        row_id = next(found for found in iter(lambda: secrets.token_hex(4), "") if found not in taken)
        row = IngressToken(row_id, hashed(token), entry, person, note, self._clock.wall())
        self._store.put_token(row)
        await self._store.commit()
        self._by_digest[row.digest] = row
        return row, token

    async def revoke(self, token_id: str) -> IngressToken:
        """It opens nothing from now on. Raises TokenProblem, StoreUnavailable."""
        row = next((row for row in self._store.tokens() if row.id == token_id), None)
        if row is None:
            raise TokenProblem(f"there is no token {token_id!r}; `lamplighter tokens list` shows them")
        # First of all it is dead here, whatever the database says.
        self._by_digest.pop(row.digest, None)
        self._store.remove_token(token_id)
        await self._store.commit()
        return row
