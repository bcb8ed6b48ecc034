"""REGISTER (RFC 3261 §10.3): a small registrar. `presence.registration` decides; durable first, then answered."""

from collections.abc import Callable
from email.utils import format_datetime

from agent.clock import Clock
from agent.net.driver import Driver
from agent.presence.publication import Refused
from agent.presence.registration import RegisterRequest, contact_values, decide
from agent.server.authenticate import Identity
from agent.server.config import ServerConfig
from agent.server.registered_flows import RegisteredFlows
from agent.server.replies import Replies
from agent.sip.flows import Flow, format_address
from agent.sip.messages import Request, Response
from agent.sip.routing import is_outbound
from agent.sip.server_transactions import ServerTransaction
from agent.sip.values import address_of_record, parse_name_addr, parse_seconds
from agent.store.errors import StoreUnavailable, UnstorableRow
from agent.store.protocols import BindingStore


class RegisterHandler:
    def __init__(
        self,
        driver: Driver,
        store: BindingStore,
        clock: Clock,
        config: ServerConfig,
        replies: Replies,
        changed: Callable[[str], None],
        flows: RegisteredFlows,
        count: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        """``changed(address)`` when the bindings of an address are others, and durably so."""
        self._driver = driver
        self._store = store
        self._clock = clock
        self._config = config
        self._replies = replies
        self._changed = changed
        self._flows = flows
        self._count = count

    def __call__(
        self, request: Request, transaction: ServerTransaction, flow: Flow, identity: Identity | None
    ) -> Response | None:
        to = self._replies.to
        assert identity is not None
        try:
            address = address_of_record(request.to.uri)
        except ValueError:
            return to(request, 400, "Bad To Header")
        if address.rpartition("@")[2] not in self._config.domains or "@" not in address:
            return to(request, 404)
        if not identity.trusted and identity.aor != address:
            return to(request, 403, "Not Your Address")
        try:
            header = request.headers.get("Expires")
            expires = parse_seconds(header) if header is not None else None
        except ValueError:
            expires = None  # a malformed Expires counts as none (RFC 3261 §10.2.1.1)
        now = self._clock.wall()
        wish = RegisterRequest(
            address=address,
            contacts=tuple(request.headers.values("Contact")),
            expires=expires,
            call_id=request.call_id,
            cseq=request.cseq.number,
            outbound="outbound" in request.headers.values("Supported"),
            first_hop=_keeps_flows(request),
            transport=flow.transport.value,
            local_address=format_address(flow.local),
            remote_address=format_address(flow.remote),
            user_agent=(request.headers.get("User-Agent") or "")[:120],
        )
        known = [row for row in self._store.bindings(address) if row.expires_at > now]
        outcome = decide(wish, known, self._config.register_limits, now)
        if isinstance(outcome, Refused):
            return to(request, outcome.status, outcome.reason, list(outcome.headers))
        try:
            for row in outcome.put:
                self._store.put_binding(row)
        except UnstorableRow as error:
            return to(request, 400, str(error))
        for row in outcome.removed:
            self._store.remove_binding(row.id)
        if not outcome.put and not outcome.removed:
            return self._accepted(request, address, outbound=False)

        def answer(error: StoreUnavailable | None) -> None:
            if error is not None:
                response = to(request, 503, headers=[("Retry-After", "5")])
            else:
                response = self._accepted(request, address, outcome.outbound)
                for row in outcome.removed:
                    self._flows.forget(row)
                self._flows.note(outcome.put, flow)
                self._changed(address)
            self._count("REGISTER", response.status)
            self._driver.respond(transaction, response)
            self._driver.pump_soon()

        self._store.when_durable(answer)
        return None

    def _accepted(self, request: Request, address: str, outbound: bool) -> Response:
        now = self._clock.now()
        headers = [
            ("Contact", value) for value in contact_values(self._store.bindings(address), now.timestamp())
        ]
        headers.append(("Date", format_datetime(now, usegmt=True)))
        if outbound:
            headers += [("Require", "outbound"), ("Flow-Timer", str(self._config.flow_timer))]
        return self._replies.to(request, 200, headers=headers)


def _keeps_flows(request: Request) -> bool:
    """Whether what stands between us and the user agent, if anything, keeps its flow open (RFC 5626 §6)."""
    if len(request.headers.values("Via")) == 1:
        return True
    path = request.headers.values("Path")
    try:
        return bool(path) and is_outbound(parse_name_addr(path[0]).uri)
    except ValueError:
        return False
