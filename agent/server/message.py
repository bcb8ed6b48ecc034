"""MESSAGE (RFC 3428): to the service's own address a command, answered over the same flow; to others relayed to the
proxy that the settings name, or refused, so that nothing is lost silently."""

import logging
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime

from agent.net.driver import Driver
from agent.presence.records import Binding
from agent.server.authenticate import Identity
from agent.server.config import ServerConfig
from agent.server.next_hops import Spawn
from agent.server.relay import Relay
from agent.server.replies import Replies
from agent.sip.endpoint import ResponseReceived, TransactionFailed
from agent.sip.flows import Flow, format_address
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.server_transactions import ServerTransaction
from agent.sip.values import address_of_record, parse_seconds
from agent.store.protocols import BindingStore

TYPES = ("text/plain",)
RECEIPT = "message/imdn+xml"
"COMPAT(linphone 5.1): says that our answer was shown (RFC 5438). Taken and thrown away; refused, it would be shown."
LANGUAGES = ("en",)
"That commands can be written in; the names of states are whatever the rules call them."
LONGEST = 900
"Bytes of text in an answer: with its headers it must fit 1300 (RFC 3428 §8)."

log = logging.getLogger(__name__)

Commands = Callable[[str, str], Awaitable[str]]
"(who asks: an address of record, what) -> the answer in words."


class MessageHandler:
    """``commands``: None until somebody answers them; then the service has no address for messages."""

    def __init__(
        self,
        driver: Driver,
        store: BindingStore,
        config: ServerConfig,
        replies: Replies,
        new_token: Callable[[], str],
        spawn: Spawn,
        wall: Callable[[], float],
        relay: Relay | None = None,
    ) -> None:
        """``wall()``: seconds since 1970. ``relay`` None: messages to others are refused."""
        self.commands: Commands | None = None
        self._driver = driver
        self._store = store
        self._config = config
        self._replies = replies
        self._new_token = new_token
        self._spawn = spawn
        self._wall = wall
        self._relay = relay

    def __call__(
        self, request: Request, transaction: ServerTransaction, flow: Flow, identity: Identity | None
    ) -> Response | None:
        to = self._replies.to
        assert identity is not None
        is_for_us = address_of_record(request.uri) == self._config.agent_address
        if not is_for_us and self._relay is not None:
            return self._relay(request, transaction, identity)
        if request.to.tag is not None:
            return to(request, 481)  # a MESSAGE makes no dialog, and we have none that takes one
        if self.commands is None or not is_for_us:
            return to(request, 404, "No Messages To This Address")
        if request.content_type == RECEIPT:
            return to(request, 200)
        if request.optional_body and request.content_type not in TYPES:
            return to(request, 200)  # its sender can do without our understanding it
        if request.content_type not in TYPES:
            return to(request, 415, headers=[("Accept", ", ".join(TYPES))])
        languages = request.headers.values("Content-Language")
        if languages and not any(each.partition("-")[0].lower() in LANGUAGES for each in languages):
            # RFC 3261 §8.2.3. Documents name their languages themselves; what people write to us is in one of ours.
            return to(request, 415, headers=[("Accept-Language", ", ".join(LANGUAGES))])
        if len(request.body) > self._config.max_body:
            return to(request, 413)
        # The answer to the request comes first: a 2xx without body and Contact (RFC 3428 §7).
        self._driver.respond(transaction, to(request, 200))
        text = request.body.decode("utf-8", "replace").strip()
        commands = _too_late if is_expired(request, self._wall()) else self.commands
        self._spawn(self._obey(commands, request, flow, identity.aor, text), "message")
        return None

    async def _obey(self, commands: Commands, request: Request, flow: Flow, who: str, text: str) -> None:
        try:
            said = await commands(who, text)
        except Exception:
            log.exception("a command of %s failed", who)
            said = "Sorry, that did not work. The service's log says why."
        answer = self._answer(request, flow, said)
        self._driver.send(answer, flow, _Told(answer.uri))
        self._driver.pump_soon()

    def _answer(self, request: Request, flow: Flow, text: str) -> Request:
        """No Contact, no dialog (RFC 3428 §4)."""
        headers = Headers(
            [
                ("From", f"<{self._config.agent_address}>;tag={self._new_token()}"),
                ("To", f"<{address_of_record(request.from_.uri)}>"),
                ("Call-ID", self._new_token()),
                ("CSeq", "1 MESSAGE"),
                ("Content-Type", "text/plain;charset=UTF-8"),
            ]
        )
        return Request("MESSAGE", self._target(request, flow), headers, shortened(text))

    def _target(self, request: Request, flow: Flow) -> str:
        """The contact that is registered over this flow; behind a proxy the address, which the proxy can route.

        COMPAT(baresip 1.0): it knows requests for its own random contact user better than those for its address.
        """
        address = address_of_record(request.from_.uri)
        if len(request.headers.values("Via")) == 1:
            here = format_address(flow.remote)
            rows: tuple[Binding, ...] = self._store.bindings(address)
            for row in reversed(rows):
                if row.remote_address == here and row.transport == flow.transport.value:
                    return row.contact
        return address


async def _too_late(who: str, text: str) -> str:
    return "That came too late: your message has expired on its way, and was not obeyed."


def is_expired(request: Request, now: float) -> bool:
    """Whether its time was over before it came (RFC 3428 §7): Expires after Date; without Date nobody knows."""
    try:
        lifetime = parse_seconds(request.headers.get("Expires") or "")
        sent = parsedate_to_datetime(request.headers.get("Date") or "")
    except ValueError:
        return False
    return sent.timestamp() + lifetime < now


class _Told:
    """Owner of an answer that was sent: whether it arrived matters only to the log."""

    def __init__(self, target: str) -> None:
        self._target = target

    def on_response(self, event: ResponseReceived) -> None:
        if event.status >= 300:
            log.info("%s refused an answer with %d", self._target, event.status)

    def on_failure(self, event: TransactionFailed) -> None:
        log.info("%s did not take an answer (%s)", self._target, event.cause.name.lower())


def shortened(text: str) -> bytes:
    """As UTF-8, cut at a line or at least between characters when it is too long."""
    data = text.encode("utf-8", "replace")
    if len(data) <= LONGEST:
        return data
    head = data[: LONGEST - 4].decode("utf-8", "ignore")
    whole_lines = head.rpartition("\n")[0]
    return f"{whole_lines or head}\n…".encode()
