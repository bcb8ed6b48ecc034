"""The asyncio shell of one `sip.Endpoint`: feeds it bytes and time, carries out what it decides.

One rule keeps it correct: after any input, drain the events, then send the outbox, then arm one timer.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from agent.clock import Clock
from agent.net.errors import RequestFailed
from agent.net.transcript import Transcript
from agent.sip.client_transactions import ClientTransaction, TransactionUser
from agent.sip.endpoint import (
    Discarded,
    Endpoint,
    RequestReceived,
    ResponseReceived,
    StreamBroken,
    TransactionFailed,
)
from agent.sip.flows import Flow
from agent.sip.identity import sip_identities, sip_users
from agent.sip.messages import Request, Response, response_to
from agent.sip.server_transactions import ServerTransaction

log = logging.getLogger(__name__)

EVENTS_PER_PUMP: Final = 2_000
"After so many events the loop gets its turn, so that a burst can't starve timers and readers."


class Sender(Protocol):
    """One socket or connection."""

    def send(self, flow: Flow, data: bytes) -> None:
        """Send or buffer; a failure is told to the driver, not raised."""

    def close(self) -> None:
        """Flush what can be flushed, then close."""


class Certified(NamedTuple):
    """For whom a client's certificate stands."""

    domains: frozenset[str]
    users: frozenset[str]
    "Addresses of record."


class _Waiter:
    """A transaction user for those who await."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Response]) -> None:
        self.future = future

    def on_response(self, event: ResponseReceived) -> None:
        if not self.future.done():
            self.future.set_result(event.response)

    def on_failure(self, event: TransactionFailed) -> None:
        if not self.future.done():
            self.future.set_exception(RequestFailed(event.cause))


class Driver:
    """Belongs to one running event loop."""

    def __init__(self, endpoint: Endpoint, clock: Clock, transcript: Transcript | None = None) -> None:
        self.endpoint = endpoint
        self.clock = clock
        self.transcript = transcript
        self.on_request: Callable[[RequestReceived], None] | None = None
        self.on_discarded: Callable[[Discarded], None] | None = None
        self.on_stranded: Callable[[Flow, bytes], None] | None = None
        "Told each response whose connection is gone (RFC 3261 §18.2.2)."
        self.on_connection_lost: Callable[[Flow], None] = lambda flow: None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = float("inf")
        self._connections: dict[int, Sender] = {}
        self._certificates: dict[int, Certified] = {}
        self._listeners: dict[int, Sender] = {}
        self._last_number = 0
        self._pumping = False
        self._pump_is_due = False
        self._closed = False

    # -- transports join here ------------------------------------------------------------------------------------

    def new_number(self) -> int:
        """A number for a connection or listener; never used again in this process."""
        self._last_number += 1
        return self._last_number

    def add_listener(self, number: int, sender: Sender) -> None:
        self._listeners[number] = sender

    def add_connection(
        self, number: int, sender: Sender, certificate: Mapping[str, Any] | None = None
    ) -> None:
        """``certificate``: what the client at the other end has shown and the authorities of its listener have signed,
        as `ssl.SSLSocket.getpeercert` gives it."""
        self._connections[number] = sender
        if certificate:
            self._certificates[number] = Certified(sip_identities(certificate), sip_users(certificate))

    def certified(self, flow: Flow) -> Certified | None:
        """For whom the other end of a connection has shown a certificate; None: it has shown none."""
        return self._certificates.get(flow.connection)

    def connection_lost(self, flow: Flow) -> None:
        self._certificates.pop(flow.connection, None)
        if self._connections.pop(flow.connection, None) is not None:
            self.on_connection_lost(flow)
            self.endpoint.flow_closed(flow, self.clock.monotonic())
            self.pump()

    def send_failed(self, flow: Flow) -> None:
        self.endpoint.send_failed(flow, self.clock.monotonic())
        self.pump()

    def undelivered(self, flow: Flow, data: bytes) -> None:
        """No connection takes these bytes any more. A request has failed; a response may find another way."""
        if self.on_stranded is not None and data.startswith(b"SIP/2.0 "):
            self.on_stranded(flow, data)
        else:
            self._loop.call_soon(self.send_failed, flow)

    def resend(self, flow: Flow, data: bytes) -> None:
        """Bytes that belong to no transaction any more, over another connection."""
        if self.transcript is not None:
            self.transcript.sent([(flow, data)], self.clock.wall())
        if (sender := self._connections.get(flow.connection)) is not None:
            sender.send(flow, data)

    def is_open(self, flow: Flow) -> bool:
        """Whether a connection is still there."""
        return flow.connection in self._connections

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    # -- bytes in ------------------------------------------------------------------------------------------------

    def datagrams(self, batch: list[tuple[Flow, bytes]]) -> None:
        """Whole messages that one wake-up has brought; nobody changes the list any more."""
        now = self.clock.monotonic()
        receive = self.endpoint.receive_datagram
        if self.transcript is not None:
            self.transcript.received(batch, self.clock.wall())
        for flow, data in batch:
            receive(data, flow, now)
        self.pump()

    def stream(self, data: bytes, flow: Flow) -> None:
        """Bytes of a stream connection."""
        if self.transcript is not None:
            self.transcript.received([(flow, data)], self.clock.wall())
        self.endpoint.receive_stream(data, flow, self.clock.monotonic())
        self.pump()

    # -- requests and answers ------------------------------------------------------------------------------------

    async def request(self, request: Request, flow: Flow) -> Response:
        """Send a request and wait for its final response. Raises RequestFailed."""
        future: asyncio.Future[Response] = self._loop.create_future()
        self.endpoint.request(request, flow, _Waiter(future), self.clock.monotonic())
        self.pump()
        return await future

    def send(self, request: Request, flow: Flow, owner: TransactionUser) -> ClientTransaction:
        """Send a request; ``owner`` hears the outcome. Leaves with the next `pump`."""
        return self.endpoint.request(request, flow, owner, self.clock.monotonic())

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Answer a request. Leaves with the next `pump`."""
        if transaction.in_process is None:
            self.endpoint.respond(transaction, response, self.clock.monotonic())
            return
        if self.transcript is not None:
            self.transcript.sent([(transaction.flow, response)], self.clock.wall())
        transaction.in_process(response)

    def take(self, request: Request, flow: Flow, answer: Callable[[Response], None]) -> None:
        """A request from within this process (`agent.net.memory`); ``answer`` gets the response."""
        if self._closed:
            return
        if self.transcript is not None:
            self.transcript.received([(flow, request)], self.clock.wall())
        transaction = ServerTransaction((), (), request.method, request.headers, flow)
        transaction.in_process = answer
        refusal = self.endpoint.gate(request, flow, self.clock.monotonic())
        if refusal is None and self.on_request is not None:
            self._dispatch(RequestReceived(transaction, request, flow))
            return
        status, headers = (503, []) if refusal is None else (refusal.status, refusal.headers)
        if status:
            self.respond(transaction, response_to(request.headers, status, headers=headers))

    # -- the drain -----------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Drain events, send, arm the timer. Handlers may call it; only the outermost call works."""
        if self._pumping or self._closed:
            return
        self._pumping = True
        try:
            events = self.endpoint.events
            budget = EVENTS_PER_PUMP
            while events and budget:
                budget -= 1
                self._dispatch(events.popleft())
            self._flush()
        finally:
            self._pumping = False
        if events:
            self._loop.call_soon(self.pump)
        self._arm()

    def pump_soon(self) -> None:
        """One `pump` in the loop's next turn, however often this is called until then."""
        if not self._pump_is_due:
            self._pump_is_due = True
            self._loop.call_soon(self._due_pump)

    def _due_pump(self) -> None:
        self._pump_is_due = False
        self.pump()

    def _dispatch(self, event: object) -> None:
        try:
            match event:
                case ResponseReceived():
                    event.owner.on_response(event)
                case RequestReceived():
                    if self.on_request is not None:
                        self.on_request(event)
                    else:
                        self.endpoint.respond_statelessly(event.request, event.transaction.flow, 503)
                case TransactionFailed(owner=owner):
                    owner.on_failure(event)
                case Discarded():
                    if self.on_discarded is not None:
                        self.on_discarded(event)
                case StreamBroken(flow=flow):
                    self._flush()
                    if (connection := self._connections.get(flow.connection)) is not None:
                        connection.close()
        except Exception:
            # One handler's fault must not stop everybody's lamps; the peer of this one event will retransmit.
            log.exception("a handler failed on %s", type(event).__name__)

    def _flush(self) -> None:
        outbox = self.endpoint.take_outbox()
        if self.transcript is not None and outbox:
            self.transcript.sent(outbox, self.clock.wall())
        connections, listeners = self._connections, self._listeners
        for flow, data in outbox:
            number = flow.connection
            sender = connections.get(number) if number else listeners.get(flow.listener)
            if sender is not None:
                sender.send(flow, data)
            else:
                self.undelivered(flow, data)

    def _arm(self) -> None:
        deadline = self.endpoint.next_deadline()
        if deadline is None or deadline >= self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = deadline
        self._timer = self._loop.call_later(max(0.0, deadline - self.clock.monotonic()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_due = None, float("inf")
        self.endpoint.handle_timeout(self.clock.monotonic())
        self.pump()

    def close(self) -> None:
        """Stop; transports are closed by those who opened them."""
        self._flush()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
