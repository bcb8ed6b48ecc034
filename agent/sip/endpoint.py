"""The SIP core's facade: bytes, timers and requests in; events, bytes and one deadline out.

The shell's whole contract: after every input drain ``events``, then ``take_outbox()``, then arm one timer for
``next_deadline()`` and call ``handle_timeout`` when it comes. ``now`` is monotonic seconds.
"""

from collections import deque
from collections.abc import Callable

from agent.sip import client_transactions as client
from agent.sip import server_transactions as server
from agent.sip import stun
from agent.sip.client_transactions import ClientTransaction, TransactionUser
from agent.sip.errors import MessageError, StreamError
from agent.sip.events import (
    SILENCE,
    Discarded,
    Event,
    Failure,
    Refusal,
    RequestReceived,
    ResponseReceived,
    StreamBroken,
    TransactionFailed,
)
from agent.sip.flows import Flow, Transport
from agent.sip.framing import Framer, KeepAlive
from agent.sip.headers import Headers
from agent.sip.matching import MAGIC_COOKIE, is_cancelled, merge_key, scan_response, server_key, to_tag
from agent.sip.messages import Request, Response, first_of_singles, response_to
from agent.sip.parsing import DEFAULT_LIMITS, Limits, parse_datagram
from agent.sip.routing import is_ours, note_source, response_flow, sent_by, via_start
from agent.sip.server_transactions import ServerTransaction
from agent.sip.timers import TimerQueues

__all__ = [
    "SILENCE",
    "Discarded",
    "Endpoint",
    "Event",
    "Failure",
    "Refusal",
    "RequestReceived",
    "ResponseReceived",
    "StreamBroken",
    "TransactionFailed",
]


class Endpoint:
    """Transactions of both roles over any number of flows."""

    def __init__(self, token: Callable[[], str], secret: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
        """``token()`` gives a fresh unguessable token (at least 64 bits); ``secret`` keys the To tags."""
        self.events: deque[Event] = deque()
        self.gate: Callable[[Request, Flow, float], Refusal | None] = lambda request, flow, now: None
        "Asked about each request that would begin a transaction; a refusal leaves nothing behind."
        self._outbox: list[tuple[Flow, bytes]] = []
        self.new_tag = token  # To tag for responses that their transaction keeps; others take `tag_for`
        self._limits = limits
        self._secret = secret
        self._branch_prefix = MAGIC_COOKIE + token()
        self._branch_count = 0
        self._clients: dict[str, ClientTransaction] = {}
        self._relayed: set[str] = set()
        "Branches of requests that are somebody else's: their answers have further Via values."
        self._clients_on: dict[int, set[ClientTransaction]] = {}
        "By connection, for its end."
        self._servers: dict[server.Key, ServerTransaction] = {}
        self._merges: dict[server.Key, ServerTransaction] = {}
        self._framers: dict[int, Framer] = {}
        self._client_timers: TimerQueues[ClientTransaction] = TimerQueues()
        self._server_timers: TimerQueues[ServerTransaction] = TimerQueues()

    # -- bytes in ------------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, flow: Flow, now: float) -> None:
        """One datagram, or one whole message of a transport that keeps message boundaries."""
        if data.startswith(b"SIP/2.0 ") and (scanned := scan_response(data, self._branch_prefix)) is not None:
            status, branch, via_host, method = scanned
            transaction = self._clients.get(branch)
            if transaction is None:
                return  # a late copy, or not ours: RFC 3261 §17.1.3
            if via_host == transaction.sent_by:
                if status >= 200 and method == transaction.method:
                    # Whatever its state was (RFC 3261 §17.1.2, the table in client_transactions): it is over.
                    transaction.state = client.State.ENDED
                    self._forget_client(transaction)
                    self.events.append(ResponseReceived(transaction.owner, status, transaction, data, None))
                else:
                    self._receive_response(transaction, status, method, data, None, now)
                return
        if not data.strip(b"\r\n\0 "):
            # A keep-alive (RFC 5626 §3.5.1) or a NAT's probe. Over a connection it wants to be answered (RFC 7118 §6).
            if data == b"\r\n\r\n" and flow.transport.reliable:
                self._outbox.append((flow, b"\r\n"))
            return
        try:
            message = parse_datagram(data, self._limits)
        except MessageError as error:
            if flow.transport is Transport.UDP and (mapped := stun.answer(data, flow.remote)) is not None:
                self._outbox.append((flow, mapped))
                return
            self._refuse(error, flow)
            return
        self._receive(message, flow, now)

    def receive_stream(self, data: bytes, flow: Flow, now: float) -> None:
        """The next bytes of a TCP or TLS connection."""
        framer = self._framers.get(flow.connection)
        if framer is None:
            framer = self._framers[flow.connection] = Framer(self._limits)
        broken: StreamError | None = None
        try:
            complete = framer.feed(data)
        except StreamError as error:
            broken, complete = error, list(error.complete)  # type: ignore[arg-type]
        for item in complete:
            if isinstance(item, Request | Response):
                self._receive(item, flow, now)
            elif isinstance(item, MessageError):
                self._refuse(item, flow)
            elif item is KeepAlive.PING:
                self._outbox.append((flow, b"\r\n"))
        if broken is not None:
            self._refuse(broken.error, flow)
            self.events.append(StreamBroken(flow))

    def mid_message(self, flow: Flow) -> bool:
        """Whether a stream has sent part of a message and owes the rest."""
        return (framer := self._framers.get(flow.connection)) is not None and framer.mid_message

    def flow_closed(self, flow: Flow, now: float) -> None:
        """A connection is gone: whatever waited for an answer on it has failed."""
        self._framers.pop(flow.connection, None)
        self.send_failed(flow, now)

    def send_failed(self, flow: Flow, now: float) -> None:
        """Bytes for this flow could not be sent (ICMP unreachable, connection refused)."""
        if flow.connection:
            waiting = list(self._clients_on.get(flow.connection, ()))
        else:
            waiting = [t for t in self._clients.values() if t.flow == flow]
        for transaction in waiting:
            self._advance_client(transaction, client.Input.TRANSPORT_ERROR, now)

    # -- messages in ---------------------------------------------------------------------------------------------

    def _receive(self, message: Request | Response, flow: Flow, now: float) -> None:
        if isinstance(message, Response):
            if len(message.headers.values("Via")) != 1 and message.via.branch not in self._relayed:
                # RFC 3261 §8.1.3.3: it was meant for somebody else.
                self.events.append(Discarded(flow, "response with several Via values", None))
                return
            transaction = self._clients.get(message.via.branch or "")
            if transaction is None:
                return  # a late copy, or not ours: RFC 3261 §17.1.3
            if not is_ours(message.via, transaction.flow):
                self.events.append(Discarded(flow, "response to another sent-by", None))
                return
            self._receive_response(transaction, message.status, message.cseq.method, b"", message, now)
            return
        via, key = message.via, server_key(message)
        reply_flow = response_flow(via, flow)
        note_source(message, flow)
        known = self._servers.get(key)
        if message.method == "ACK":
            if known is not None:
                self._advance_server(known, server.Input.ACK, now)
            return
        if known is not None:
            self._advance_server(known, server.Input.REQUEST, now)
            return
        if message.method == "CANCEL":
            self._receive_cancel(message, reply_flow)
            return
        refusal = self.gate(message, flow, now)
        if refusal is not None:
            if refusal.status:
                self.respond_statelessly(message, reply_flow, refusal.status, headers=refusal.headers)
            return
        merge, begins = merge_key(message), message.to.tag is None
        if begins and merge in self._merges:
            self.respond_statelessly(message, reply_flow, 482)
            return
        accepted = ServerTransaction(key, merge, message.method, message.headers, reply_flow)
        self._servers[key] = accepted
        if begins:
            self._merges[merge] = accepted
        self._set_server_timer(accepted, now)
        self.events.append(RequestReceived(accepted, message, flow))

    def _receive_cancel(self, request: Request, flow: Flow) -> None:
        """RFC 3261 §9.2. Only an INVITE could still be stopped, and those are refused at once: 200 and no effect."""
        self.respond_statelessly(request, flow, 200 if is_cancelled(request, self._servers) else 481)

    def _receive_response(
        self,
        transaction: ClientTransaction,
        status: int,
        method: str,
        data: bytes,
        response: Response | None,
        now: float,
    ) -> None:
        if transaction.method != method:
            return  # RFC 3261 §17.1.3: branch and method together
        if status < 200:
            self._advance_client(transaction, client.Input.PROVISIONAL, now)
        elif transaction.take(client.Input.FINAL) is client.Action.REPORT_RESPONSE:
            self._forget_client(transaction)
            self.events.append(ResponseReceived(transaction.owner, status, transaction, data, response))

    def _refuse(self, error: MessageError, flow: Flow) -> None:
        """Answer what can be answered without keeping state; otherwise say nothing to the peer."""
        status: int | None = None
        if error.is_request and error.method != "ACK" and error.headers is not None:
            request = Request("?", "?", first_of_singles(error.headers))
            try:
                note_source(request, flow)
                reply_flow = response_flow(request.via, flow)
            except ValueError:
                pass  # without a readable Via nobody knows where an answer should go
            else:
                status = error.status
                self.respond_statelessly(request, reply_flow, status, error.reason)
        self.events.append(Discarded(flow, error.reason, status))

    # -- answers out ---------------------------------------------------------------------------------------------

    def tag_for(self, request: Request) -> str:
        """The To tag of every response to this request of which nothing is kept."""
        return to_tag(request, self._secret)

    def respond(self, transaction: ServerTransaction, response: Response, now: float) -> None:
        """The final response of a transaction. A second one is ignored, and one that nobody waits for any more."""
        if transaction.state not in (server.State.TRYING, server.State.PROCEEDING):
            return
        transaction.response = response.encode()
        transaction.headers = None
        if response.status in (401, 407):
            # A challenge keeps no state (RFC 3261 §8.2.7).
            # COMPAT(libpurple 2.14): it answers a challenge with the same branch, which must not count as a copy.
            transaction.state = server.State.ENDED
            self._forget_server(transaction)
            self._outbox.append((transaction.flow, transaction.response))
            return
        self._advance_server(transaction, server.Input.FINAL, now)

    def respond_statelessly(
        self,
        request: Request,
        flow: Flow,
        status: int,
        reason: str | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        """A response that leaves nothing behind; the same request gets the same answer."""
        response = response_to(
            request.headers, status, reason, to_tag=to_tag(request, self._secret), headers=headers
        )
        self._outbox.append((flow, response.encode()))

    # -- requests out --------------------------------------------------------------------------------------------

    def new_branch(self) -> str:
        self._branch_count += 1
        return self._branch_prefix + str(self._branch_count)

    def request(self, request: Request, flow: Flow, owner: TransactionUser, now: float) -> ClientTransaction:
        """Send a request over a flow; Via and, if missing, Max-Forwards are added."""
        branch = self.new_branch()
        items = [("Via", f"{via_start(flow)};branch={branch};rport")]
        if "Max-Forwards" not in request.headers:
            items.append(("Max-Forwards", "70"))
        items.extend(item for item in request.headers if item[0] != "Via")
        data = Request(request.method, request.uri, Headers.of(items), request.body).encode()
        return self.send_prepared(branch, request.method, data, flow, sent_by(flow), owner, now)

    def relay(self, request: Request, flow: Flow, owner: TransactionUser, now: float) -> ClientTransaction:
        """Send somebody else's request on (RFC 3261 §16.6): its Via values stay, ours goes on top."""
        branch = self.new_branch()
        items = [("Via", f"{via_start(flow)};branch={branch};rport"), *request.headers]
        data = Request(request.method, request.uri, Headers.of(items), request.body).encode()
        self._relayed.add(branch)
        return self.send_prepared(branch, request.method, data, flow, sent_by(flow), owner, now)

    def wrote(self, branch: str) -> bool:
        """Whether a Via with this branch is one of ours."""
        return branch.startswith(self._branch_prefix)

    def send_prepared(
        self,
        branch: str,
        method: str,
        data: bytes,
        flow: Flow,
        sent_by: str,
        owner: TransactionUser,
        now: float,
    ) -> ClientTransaction:
        """Send a request that the caller has rendered, its Via with ``branch`` and ``sent_by`` included."""
        transaction = ClientTransaction(branch, method, data, flow, sent_by, owner, now)
        self._clients[branch] = transaction
        if flow.connection:
            self._clients_on.setdefault(flow.connection, set()).add(transaction)
        first = client.T1 if flow.transport is Transport.UDP else client.TIMEOUT
        self._client_timers.set(first, transaction, now)
        self._outbox.append((flow, data))
        return transaction

    # -- time ----------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `handle_timeout` is wanted next."""
        first, second = self._client_timers.next_deadline(), self._server_timers.next_deadline()
        if first is None or second is None:
            return second if first is None else first
        return min(first, second)

    def handle_timeout(self, now: float) -> None:
        for transaction in self._client_timers.expired(now):
            self._advance_client(transaction, transaction.timer_input(now), now)
        for server_transaction in self._server_timers.expired(now):
            self._advance_server(server_transaction, server_transaction.timer_input(now), now)

    def take_outbox(self) -> list[tuple[Flow, bytes]]:
        """What is to be sent, in order; the caller owns the list."""
        outbox, self._outbox = self._outbox, []
        return outbox

    # -- transactions --------------------------------------------------------------------------------------------

    def _advance_client(self, transaction: ClientTransaction, event: client.Input, now: float) -> None:
        action = transaction.take(event)
        if action is not None and transaction.state is client.State.ENDED:
            self._forget_client(transaction)
        match action:
            case client.Action.RETRANSMIT:
                self._outbox.append((transaction.flow, transaction.data))
                self._client_timers.set(transaction.next_timer(now), transaction, now)
            case client.Action.REPORT_TIMEOUT:
                self.events.append(TransactionFailed(transaction.owner, Failure.TIMEOUT, transaction))
            case client.Action.REPORT_TRANSPORT_ERROR:
                self.events.append(TransactionFailed(transaction.owner, Failure.TRANSPORT, transaction))

    def _forget_client(self, transaction: ClientTransaction) -> None:
        del self._clients[transaction.branch]
        transaction.due = 0.0
        self._relayed.discard(transaction.branch)
        connection = transaction.flow.connection
        if connection:
            waiting = self._clients_on[connection]
            waiting.discard(transaction)
            if not waiting:
                del self._clients_on[connection]

    def _advance_server(self, transaction: ServerTransaction, event: server.Input, now: float) -> None:
        before = transaction.state
        action = transaction.take(event)
        if action is server.Action.SEND:
            self._outbox.append((transaction.flow, transaction.response))
        elif action is server.Action.SEND_TRYING and transaction.headers is not None:
            trying = response_to(transaction.headers, 100)
            self._outbox.append((transaction.flow, trying.encode()))
        if transaction.state is server.State.ENDED:
            self._forget_server(transaction)
        elif transaction.state is not before or event is server.Input.TIMER_REPEAT:
            if event is server.Input.FINAL:
                transaction.completed_at = now
            self._set_server_timer(transaction, now)

    def _set_server_timer(self, transaction: ServerTransaction, now: float) -> None:
        length = transaction.next_timer(now)
        if length is None:
            transaction.due = 0.0
        elif length <= 0.0:
            transaction.state = server.State.ENDED
            self._forget_server(transaction)
        else:
            self._server_timers.set(length, transaction, now)

    def _forget_server(self, transaction: ServerTransaction) -> None:
        transaction.due = 0.0
        if self._servers.get(transaction.key) is transaction:
            del self._servers[transaction.key]
        if self._merges.get(transaction.merge_key) is transaction:
            del self._merges[transaction.merge_key]

    # -- figures -------------------------------------------------------------------------------------------------

    @property
    def timers_set(self) -> int:
        """Those of ended transactions included, until they come to the head of their queue."""
        return len(self._client_timers) + len(self._server_timers)

    @property
    def open_transactions(self) -> tuple[int, int]:
        """(client, server) transactions alive."""
        return len(self._clients), len(self._servers)
