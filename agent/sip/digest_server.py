"""The server's half of Digest authentication (RFC 3261 §22.4, RFC 7616 §3.3-3.4, RFC 8760): challenges, and checks.

A challenge leaves nothing behind: a nonce carries its own time under a keyed hash, so another node with the same
secret, or this one after a restart, knows it. Only counts of nonces in use are kept, against replays.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from itertools import islice

from agent.sip.digest import (
    STRONGEST_FIRST,
    Proof,
    digest_response,
    hash_hex,
    hash_name,
    parse_authentication,
    quoted,
)

NONCE_LIFETIME = 300.0
"Seconds."
WINDOW = 64
"How far a nonce count may lag behind the highest one seen: requests over UDP overtake one another."
_TIME_DIGITS = 12
_MAC_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who it is. ``uri`` is what the answer was made for; the caller compares it with the Request-URI."""

    username: str
    realm: str
    algorithm: str
    uri: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """``stale``: the answer is right but its nonce is not; challenge again with ``stale=true``."""

    reason: str
    stale: bool = False


Lookup = Callable[[str, str], str | None]
"(username, hash name) -> stored HA1, or None if there is no such user or hash."


class DigestServer:
    """Challenges and checks for one realm. ``now`` is wall time, seconds since 1970."""

    def __init__(
        self,
        realm: str,
        secret: bytes,
        token: Callable[[], str],
        *,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        qops: Sequence[str] = ("auth", "auth-int"),
        accept_without_qop: bool = False,
        nonce_lifetime: float = NONCE_LIFETIME,
        remembered_nonces: int = 100_000,
    ) -> None:
        """``token()`` gives fresh letters and digits. Raises ValueError for an algorithm that is not known."""
        unknown = [name for name in algorithms if hash_name(name) is None]
        if unknown or not algorithms:
            raise ValueError(f"unknown digest algorithm {', '.join(unknown) or '(none given)'}")
        self.realm = realm
        self._secret = secret
        self._token = token
        ranks = {name: rank for rank, name in enumerate(STRONGEST_FIRST)}
        self._algorithms = sorted(algorithms, key=lambda name: ranks[hash_name(name) or ""])
        self._qops = tuple(qops)
        self._accept_without_qop = accept_without_qop
        self._lifetime = nonce_lifetime
        self._limit = remembered_nonces
        self._counts: dict[str, tuple[int, int]] = {}
        "nonce -> (highest count, bit map of that and the WINDOW - 1 counts below it), oldest first"
        self._forgotten_until = 0.0
        "Counts of nonces issued before this moment may have been thrown away."

    # -- challenges ----------------------------------------------------------------------------------------------

    def challenges(self, now: float, stale: bool = False, only: str | None = None) -> list[str]:
        """One header value for each algorithm, best first; each belongs on a line of its own (RFC 8760 §2.3).

        ``only``: for a user agent that is at a loss with more; all the same, where that algorithm is not among ours.
        """
        nonce = self._new_nonce(now)
        algorithms = [only] if only in self._algorithms else self._algorithms
        tail = ", stale=true" if stale else ""
        return [
            f'Digest realm={quoted(self.realm)}, nonce="{nonce}", algorithm={algorithm}, '
            f'qop="{",".join(self._qops)}"{tail}'
            for algorithm in algorithms
        ]

    def _new_nonce(self, now: float) -> str:
        # Hexadecimal and the token only.
        # COMPAT(aiosip 0.2): it splits challenges at "=", which base64 would contain.
        head = f"{int(now * 1000):0{_TIME_DIGITS}x}{self._token()}"
        return head + self._mac(head)

    def _mac(self, head: str) -> str:
        text = f"{self.realm}|{head}".encode("utf-8", "surrogateescape")
        return blake2s(text, key=self._secret[:32], digest_size=_MAC_DIGITS // 2).hexdigest()

    def _issued_at(self, nonce: str) -> float | None:
        """When we made this nonce; None: we didn't."""
        head, mac = nonce[:-_MAC_DIGITS], nonce[-_MAC_DIGITS:]
        if not hmac.compare_digest(self._mac(head).encode(), mac.encode("utf-8", "replace")):
            return None
        return int(head[:_TIME_DIGITS], 16) / 1000

    # -- checks --------------------------------------------------------------------------------------------------

    def is_for_us(self, value: str) -> bool:
        """Whether an Authorization value is a Digest answer for our realm; others are to be passed over."""
        try:
            scheme, parameters = parse_authentication(value)
        except ValueError:
            return False
        return scheme == "digest" and parameters.get("realm") == quoted(self.realm)[1:-1]

    def check(
        self, value: str, method: str, body: bytes, lookup: Lookup, now: float
    ) -> Authenticated | Rejected:
        """Judge one Authorization value. Each right answer with a count is taken once."""
        try:
            scheme, given = parse_authentication(value)
        except ValueError as error:
            return Rejected(f"malformed credentials: {error}")
        if scheme != "digest" or given.get("realm") != quoted(self.realm)[1:-1]:
            return Rejected("credentials for another realm")
        algorithm = given.get("algorithm", "MD5")
        # COMPAT(twinkle 1.10): it names MD5 though it was not offered; refused unless it is one of ours.
        if algorithm.upper() not in (name.upper() for name in self._algorithms):
            return Rejected("algorithm not offered")
        qop = given.get("qop", "").lower() or None
        count: int | None = None
        if qop is not None:
            if qop not in self._qops or not given.get("cnonce"):
                return Rejected("unusable qop or no cnonce")
            count = _read_count(given.get("nc", ""))
            if count is None:
                return Rejected("bad nonce count")
        # COMPAT(libpurple 2.14): answers in the form of RFC 2069 whatever was offered, and sends an nc with it.
        elif not self._accept_without_qop:
            return Rejected("answer without qop")
        missing = [name for name in ("username", "nonce", "uri", "response") if name not in given]
        if missing:
            return Rejected(f"no {missing[0]} in the credentials")
        username = _unescaped(given["username"])
        name = hash_name(algorithm) or "MD5"
        stored = lookup(username, name)
        nonce = given["nonce"]
        proof = Proof(
            algorithm, method, given["uri"], nonce, qop, given.get("nc", ""), given.get("cnonce", ""), body
        )
        # A user that doesn't exist costs the same time as a wrong password.
        expected = digest_response(stored if stored is not None else hash_hex(name, self._secret), proof)
        right = hmac.compare_digest(expected.encode(), given["response"].lower().encode("utf-8", "replace"))
        if stored is None or not right:
            return Rejected("unknown user or wrong password")
        issued = self._issued_at(nonce)
        if issued is None or not -1.0 <= now - issued <= self._lifetime:
            return Rejected("nonce too old", stale=True)
        if count is not None and not self._take_count(nonce, issued, count, now):
            return Rejected("nonce count seen before", stale=True)
        return Authenticated(username, self.realm, algorithm, given["uri"])

    def _take_count(self, nonce: str, issued: float, count: int, now: float) -> bool:
        known = self._counts.get(nonce)
        if known is None:
            if issued < self._forgotten_until:
                return False
            self._make_room(now)
            self._counts[nonce] = (count, 1)
            return True
        highest, seen = known
        if count > highest:
            shift = min(count - highest, WINDOW)
            self._counts[nonce] = (count, ((seen << shift) | 1) & ((1 << WINDOW) - 1))
            return True
        behind = highest - count
        if behind >= WINDOW or seen >> behind & 1:
            return False
        self._counts[nonce] = (highest, seen | 1 << behind)
        return True

    def _make_room(self, now: float) -> None:
        """Drop counts of expired nonces from the oldest on; when full, give up the oldest live one."""
        for nonce in list(islice(self._counts, 2)):
            issued = self._issued_at(nonce) or 0.0
            if now - issued > self._lifetime or len(self._counts) >= self._limit:
                del self._counts[nonce]
                self._forgotten_until = max(self._forgotten_until, issued + 0.001)


def username_of(value: str) -> str:
    """The user name that an Authorization value claims; empty when it has none."""
    try:
        return _unescaped(parse_authentication(value)[1].get("username", ""))
    except ValueError:
        return ""


def _read_count(text: str) -> int | None:
    """Eight hexadecimal digits (RFC 7616 §3.4); the first is 1."""
    if len(text) != 8 or any(char not in "0123456789abcdefABCDEF" for char in text):
        return None
    return int(text, 16) or None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
