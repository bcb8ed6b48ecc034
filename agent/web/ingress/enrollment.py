"""Computers get their token in exchange for a code that is good once, so that nobody has to type or mail a token."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from agent.clock import Clock
from agent.store.errors import StoreUnavailable
from agent.web.ingress.destinations import Destination
from agent.web.ingress.tokens import IngressTokens, TokenProblem, hashed
from connectors.errors import BadData, Unreachable
from connectors.ingress import Received, Reply
from connectors.reception import Reception

PART = "enroll"
"Codes are exchanged at ``/in/enroll``."
GOOD_FOR = 15 * 60.0
"Seconds."
MOST_OPEN = 1000
"Codes at a time."
GUESSES = 20
"Wrong codes in a row, from anybody, after which all codes are void: nobody types so badly."
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"Without those that look alike. Eight of them are 40 bits."


@dataclass(frozen=True, slots=True)
class _Open:
    entry: str
    person: str
    until: float
    "Monotonic seconds."


class Enrollment:
    """Codes are kept in memory alone: a restart voids them."""

    def __init__(self, tokens: IngressTokens, clock: Clock) -> None:
        self._tokens, self._clock = tokens, clock
        self._open: dict[str, _Open] = {}
        self._wrong = 0

    def begin(self, entry: str, person: str) -> dict[str, Any]:
        """A new code: code, seconds. Raises TokenProblem."""
        self._tokens.check(entry, person)
        now = self._clock.monotonic()
        self._open = {digest: one for digest, one in self._open.items() if one.until > now}
        if len(self._open) >= MOST_OPEN:
            raise TokenProblem("too many codes wait to be used; they end within a quarter of an hour")
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        self._open[hashed(letters)] = _Open(entry, person, now + GOOD_FOR)
        self._wrong = 0
        return {"code": f"{letters[:4]}-{letters[4:]}", "seconds": int(GOOD_FOR)}

    def destination(self) -> Destination:
        """What the ingress hands requests to `PART` to."""
        reception = Reception(media_types=("application/json",), checks_itself=True, max_body=4096)
        return Destination(PART, reception, None, self.receive)

    async def receive(self, request: Received) -> Reply:
        """``{"code": "ABCD-EFGH", "device": "laptop"}`` → ``{"token": …, "entry": …}``, or 401."""
        try:
            given = json.loads(request.body)
            code, device = str(given["code"]), str(given["device"])[:60]
        except (ValueError, KeyError, TypeError):
            raise BadData('expected {"code": "ABCD-EFGH", "device": "laptop"}') from None
        letters = "".join(letter for letter in code.upper() if letter.isalnum())
        found = self._open.pop(hashed(letters), None)
        if found is None or found.until <= self._clock.monotonic():
            self._guessed()
            return _answer(401, {"detail": "this code is not good (any more): ask for another one"})
        try:
            _, token = await self._tokens.create(found.entry, found.person, f"computer {device}")
        except TokenProblem as error:
            raise BadData(str(error)) from None
        except StoreUnavailable as error:
            raise Unreachable(f"the token cannot be kept ({error})") from None
        return _answer(200, {"token": token, "entry": found.entry, "person": found.person})

    def _guessed(self) -> None:
        self._wrong += 1
        if self._wrong >= GUESSES:
            self._open.clear()


def _answer(status: int, content: dict[str, str]) -> Reply:
    return Reply(status, json.dumps(content).encode())
