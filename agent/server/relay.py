"""MESSAGEs that are not for us, sent on to the proxy that the settings name: a stateful proxy without forking, for this
method alone (RFC 3261 §16, RFC 4320). What cannot be sent on is answered so; nothing is lost silently."""

import logging

from agent.net.driver import Driver
from agent.server.authenticate import Identity
from agent.server.next_hops import FlowFactory, Spawn
from agent.server.replies import Replies
from agent.sip.endpoint import Failure, ResponseReceived, TransactionFailed
from agent.sip.flows import Flow, Transport
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.routing import parse_target
from agent.sip.server_transactions import ServerTransaction
from agent.sip.values import parse_via

OURS = ("Authorization", "P-Asserted-Identity")
"Header fields that are between the sender and us, or that only we may write."

log = logging.getLogger(__name__)


class Relay:
    """``next_hop``: URI of the proxy."""

    def __init__(
        self, driver: Driver, flows: FlowFactory, spawn: Spawn, replies: Replies, next_hop: str
    ) -> None:
        self._driver = driver
        self._flows = flows
        self._spawn = spawn
        self._replies = replies
        self._target = parse_target(next_hop)
        self._next_hop = next_hop

    def __call__(
        self, request: Request, transaction: ServerTransaction, identity: Identity
    ) -> Response | None:
        """RFC 3261 §16.3: what a proxy refuses; everything else is sent on."""
        to = self._replies.to
        hops = max_forwards(request)
        if hops == 0:
            return to(request, 483)
        vias = [parse_via(value) for value in request.headers.values("Via")]
        if any(self._driver.endpoint.wrote(via.branch or "") for via in vias):
            return to(request, 482)
        unknown = request.headers.values("Proxy-Require")
        if unknown:
            return to(request, 420, headers=[("Unsupported", ", ".join(unknown))])
        self._spawn(self._send(onward(request, hops, identity), request, transaction), "relay")
        return None

    async def _send(self, onward: Request, request: Request, transaction: ServerTransaction) -> None:
        owner = _Relayed(self, request, transaction)
        try:
            flow = await self._flow()
        except OSError as error:
            log.warning("a message could not be relayed to %s: %s", self._next_hop, error)
            owner.refuse()
        else:
            self._driver.endpoint.relay(onward, flow, owner, self._driver.clock.monotonic())
        self._driver.pump_soon()

    async def _flow(self) -> Flow:
        """To the first place that can be reached. Raises OSError."""
        trouble = OSError("it has no address that we can reach")
        for destination in await self._flows.resolve(self._target):
            if destination.transport is Transport.UDP:
                flow = self._flows.udp_flow(destination.host, destination.port)
                if flow is not None:
                    return flow
                continue
            try:
                return await self._flows.connect(destination)
            except OSError as error:
                trouble = error
        raise trouble

    def answer(self, request: Request, transaction: ServerTransaction, response: Response) -> None:
        """Pass a final response back."""
        self._driver.respond(transaction, response)

    def refuse(self, request: Request, transaction: ServerTransaction) -> None:
        """RFC 3261 §16.9, §16.7: nobody takes it; the 503 that stands for that is the proxy's, so 500."""
        self._driver.respond(transaction, self._replies.to(request, 500, "Could Not Be Relayed"))


class _Relayed:
    """Owner of a request that was sent on."""

    def __init__(self, relay: Relay, request: Request, transaction: ServerTransaction) -> None:
        self._relay = relay
        self._request = request
        self._transaction = transaction

    def on_response(self, event: ResponseReceived) -> None:
        if event.status == 503:
            self.refuse()
            return
        response = event.response
        items = list(response.headers)
        top = next(index for index, (name, _) in enumerate(items) if name == "Via")
        # Several values may stand on one line.
        rest = response.headers.values("Via")[1:]
        kept = [item for item in items if item[0] != "Via"]
        kept[top:top] = [("Via", value) for value in rest]
        back = Response(response.status, response.reason, Headers.of(kept), response.body)
        self._relay.answer(self._request, self._transaction, back)

    def on_failure(self, event: TransactionFailed) -> None:
        # After a silence the sender has given up too, and a 408 would only add to it (RFC 4320 §4.2).
        log.warning("a message could not be relayed (%s)", event.cause.name.lower())
        if event.cause is Failure.TRANSPORT:
            self.refuse()

    def refuse(self) -> None:
        self._relay.refuse(self._request, self._transaction)


def max_forwards(request: Request) -> int:
    """What is left of it; 70 where it is missing or unreadable (RFC 3261 §16.6)."""
    text = request.headers.get("Max-Forwards") or ""
    return min(int(text), 255) if text.isascii() and text.isdigit() else 70


def onward(request: Request, hops: int, identity: Identity) -> Request:
    """The request as it is sent on: who asks is said by us and by nobody else (RFC 3325 §5)."""
    headers = request.headers.copy()
    for name in OURS:
        headers.remove(name)
    headers.set("Max-Forwards", str(hops - 1))
    headers.add("P-Asserted-Identity", f"<{identity.aor}>")
    return Request(request.method, request.uri, headers, request.body)
