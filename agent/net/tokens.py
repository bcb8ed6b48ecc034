"""Unguessable tokens: tags, branches, entity-tags, Call-IDs (RFC 3261 §19.3 wants 32 random bits, these have 64)."""

import os
from typing import Final

_BYTES: Final = 8
_AT_A_TIME: Final = 128
"Tokens drawn from the kernel together: each draw is a system call, and every PUBLISH wants a new entity-tag."


class Tokens:
    """Calling it gives the next one: 16 hexadecimal digits."""

    __slots__ = ("_digits", "_next")

    def __init__(self) -> None:
        self._digits = ""
        self._next = 0

    def __call__(self) -> str:
        if self._next == len(self._digits):
            self._digits, self._next = os.urandom(_BYTES * _AT_A_TIME).hex(), 0
        start = self._next
        self._next = start + 2 * _BYTES
        return self._digits[start : self._next]
