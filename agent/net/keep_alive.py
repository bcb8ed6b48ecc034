"""Pings on connections that we opened (RFC 5626 §4.4.1): they keep NATs open and find out when a flow is dead."""

import asyncio
import random
from collections.abc import Callable

PING = b"\r\n\r\n"
EVERY = (95.0, 120.0)
"Seconds between two pings: drawn anew each time, so that a thousand clients do not ping together."
PONG_WITHIN = 10.0


class KeepAlive:
    """`heard` whatever comes, `stop` at the end of the connection; ``failed`` is called when a pong is overdue.

    COMPAT(pjsip 2.x): it takes pings and sends no pong. A peer that has never answered one is therefore pinged on, but
    only judged by TCP.
    """

    def __init__(self, send: Callable[[bytes], None], failed: Callable[[], None]) -> None:
        self._send = send
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._answers = False
        self._waiting = False
        self._timer = self._loop.call_later(random.uniform(*EVERY), self._ping)

    def heard(self) -> None:
        """Bytes have come. Whatever they are, the flow is alive."""
        if self._waiting:
            self._waiting = False
            self._answers = True
            self._timer.cancel()
            self._timer = self._loop.call_later(random.uniform(*EVERY), self._ping)

    def stop(self) -> None:
        self._timer.cancel()

    def _ping(self) -> None:
        self._waiting = True
        self._send(PING)
        self._timer = self._loop.call_later(PONG_WITHIN, self._overdue)

    def _overdue(self) -> None:
        if self._answers:
            self._failed()
            return
        self._waiting = False
        self._timer = self._loop.call_later(random.uniform(*EVERY), self._ping)
