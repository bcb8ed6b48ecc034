"""Method -> handler, and everything that is refused before a handler sees it (RFC 3261 §8.2)."""

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from agent.net.driver import Driver
from agent.server.authenticate import OURSELVES, Authenticator, Identity
from agent.server.config import ServerConfig
from agent.server.replies import KNOWN, Replies
from agent.sip.content_coding import CODINGS, TooLong, UnknownCoding, decoded
from agent.sip.endpoint import RequestReceived
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request, Response
from agent.sip.server_transactions import ServerTransaction
from agent.sip.values import address_of_record, is_plain_uri

AUTHENTICATED: Final = frozenset({"PUBLISH", "SUBSCRIBE", "REGISTER", "MESSAGE"})
"OPTIONS is open: proxies probe with it (RFC 3261 §11)."

log = logging.getLogger(__name__)


class Handler(Protocol):
    """Answers one method: at once by returning a Response, or later through `Driver.respond` by returning None."""

    def __call__(
        self, request: Request, transaction: ServerTransaction, flow: Flow, identity: Identity | None
    ) -> Response | None: ...


class Router:
    """Set ``driver.on_request`` to `receive`."""

    def __init__(
        self,
        driver: Driver,
        config: ServerConfig,
        replies: Replies,
        handlers: Mapping[str, Handler],
        authenticate: Authenticator,
        is_ours: Callable[[str], bool],
        count: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        """``is_ours(host)``: a domain or address of ours. ``count(method, status)`` is told each answer made here."""
        self._driver = driver
        self._config = config
        self._replies = replies
        self._handlers = handlers
        self._authenticate = authenticate
        self._is_ours = is_ours
        self._count = count

    def receive(self, event: RequestReceived) -> None:
        request = event.request
        try:
            response = self._handle(event)
        except Exception:
            log.exception("handling %s failed", request.method)
            response = self._replies.to(request, 500)
        if response is not None:
            self._count(request.method, response.status)
            self._driver.respond(event.transaction, response)

    def _handle(self, event: RequestReceived) -> Response | None:
        """Identity, then method, then what the request asks for: the order of RFC 3261 §8.2."""
        request, flow = event.request, event.flow
        handler = self._handlers.get(request.method)
        identity: Identity | None = None
        if flow.transport is Transport.MEMORY:
            identity = OURSELVES
        elif handler is not None and request.method in AUTHENTICATED:
            who = self._authenticate(request, flow)
            if isinstance(who, Response):
                return who
            identity = who
        refusal = self._refuse_method(request) if handler is None else self._refuse_early(request, flow)
        if handler is None or refusal is not None:
            return refusal
        return handler(request, event.transaction, flow, identity)

    def _unpack(self, request: Request) -> Response | None:
        """Undo what Content-Encoding says was done to the body. After Digest, which may be about the body as sent."""
        try:
            request.body = decoded(
                request.body, request.headers.values("Content-Encoding"), self._config.max_body
            )
        except UnknownCoding:
            if request.optional_body:
                request.without_body()
                return None
            return self._replies.to(request, 415, headers=[("Accept-Encoding", ", ".join(CODINGS))])
        except TooLong:
            return self._replies.to(request, 413)
        except ValueError:
            return self._replies.to(request, 400, "Bad Content-Encoding")
        return None

    def _refuse_method(self, request: Request) -> Response:
        if request.method == "NOTIFY":
            return self._replies.to(request, 481)  # we watch nobody through this server (RFC 6665 §4.1.3)
        status = 405 if request.method in KNOWN else 501
        return self._replies.to(request, status, headers=[("Allow", self._config.methods)])

    def _refuse_early(self, request: Request, flow: Flow) -> Response | None:
        """Request-URI, Require, Content-Encoding: what no handler needs to see."""
        to = self._replies.to
        if not is_plain_uri(request.uri) and (refusal := self._refuse_uri(request, flow)) is not None:
            return refusal
        if required := request.headers.values("Require"):
            return to(request, 420, headers=[("Unsupported", ", ".join(required))])
        if (
            request.body
            and "Content-Encoding" in request.headers
            and (refusal := self._unpack(request)) is not None
        ):
            return refusal
        host = address_of_record(request.uri).partition(":")[2].rpartition("@")[2]
        if self._is_ours(host):
            return None
        # In a dialog the tags count, not the Request-URI; PUBLISH knows no dialogs (RFC 3903 §6).
        in_dialog = request.method != "PUBLISH" and request.to.tag is not None
        return None if in_dialog else to(request, 404)

    def _refuse_uri(self, request: Request, flow: Flow) -> Response | None:
        to = self._replies.to
        scheme, _, rest = request.uri.partition(":")
        scheme = scheme.lower()
        if scheme in ("pres", "im"):
            # RFC 3856 §5: whoever reaches us by it means somebody of ours.
            scheme, request.uri = "sip", f"sip:{rest}"
        if scheme not in ("sip", "sips"):
            return to(request, 416)
        if scheme == "sips" and not flow.transport.secure and not self._authenticate.trusts(flow):
            # RFC 3261 §26.2.2. A trusted proxy may have had it over TLS; 416 would make a client try again in the open.
            return to(request, 403, "TLS Required")
        try:
            address_of_record(request.uri)
        except ValueError:
            return to(request, 400, "Bad Request-URI")
        return None
