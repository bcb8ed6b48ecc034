"""The way to the server in this process: requests and responses travel as they are.

Nothing is lost, doubled or reordered on it and nobody else reads along. So there are no octets to be written and read
again, and of transactions only what is left of them here: each request has one response, or none in time. All else is
as over any other hop: the server's gate, its handlers, its wire log.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.sip.client_transactions import TIMEOUT
from agent.sip.events import Failure
from agent.sip.flows import Flow, Transport, format_address
from agent.sip.headers import Headers
from agent.sip.matching import MAGIC_COOKIE
from agent.sip.messages import Request, Response

SERVER = ("localhost", 5060)
CLIENT = ("localhost", 5061)

log = logging.getLogger(__name__)

Then = Callable[[Response | RequestFailed], None]
"Told how a request ended."


class Hop:
    """From the built-in publisher to the built-in server."""

    def __init__(self, server: Driver) -> None:
        self._server = server
        self._flow = Flow(Transport.MEMORY, SERVER, CLIENT, server.new_number())
        self._via = (
            f"SIP/2.0/{self._flow.transport.via_token} {format_address(CLIENT)};branch={MAGIC_COOKIE}memory"
        )
        self._sent = 0
        self._waiting: dict[int, tuple[float, Then]] = {}
        "By number, with the end of our patience: it is the same for all, so the oldest comes first."
        self._ended: deque[tuple[Then, Response | RequestFailed]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def send(self, request: Request, then: Then) -> None:
        """Via and Max-Forwards are added; the request is the server's from now on. ``then`` is told in a later turn of
        the loop."""
        if self._closed:
            self._end(then, RequestFailed(Failure.TRANSPORT))
            return
        self._sent += 1
        number = self._sent
        request.headers = Headers.of(
            [("Via", f"{self._via}{number:x}"), ("Max-Forwards", "70"), *request.headers]
        )
        self._waiting[number] = (self._server.clock.monotonic() + TIMEOUT, then)
        self._arm()
        self._server.take(request, self._flow, lambda response: self._answered(number, response))

    def _answered(self, number: int, response: Response) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            self._end(waiting[1], response)

    def _end(self, then: Then, outcome: Response | RequestFailed) -> None:
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._tell)
        self._ended.append((then, outcome))

    def _tell(self) -> None:
        for _ in range(len(self._ended)):
            then, outcome = self._ended.popleft()
            try:
                then(outcome)
            except Exception:
                # One sender's fault must not keep the others from hearing.
                log.exception("a request was answered, but who waited for it failed")

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            due, _ = next(iter(self._waiting.values()))
            wait = max(0.0, due - self._server.clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        """Timer F (RFC 3261 §17.1.2.2): a handler of the server may have failed."""
        self._timer = None
        now = self._server.clock.monotonic() + 1e-6
        late = [number for number, (due, _) in self._waiting.items() if due <= now]
        for number in late:
            self._end(self._waiting.pop(number)[1], RequestFailed(Failure.TIMEOUT))
        self._arm()

    def close(self) -> None:
        """Whoever waits hears at once that nothing more comes."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for _, then in self._waiting.values():
            self._end(then, RequestFailed(Failure.TRANSPORT))
        self._waiting.clear()
