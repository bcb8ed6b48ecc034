"""PUBLISH (RFC 3903 §6): reads the request, has `presence.publication` decide, answers once the decision is durable.

It tells no watcher anything. The notifier follows the store's change feed.
"""

import logging
from collections.abc import Callable

from agent.clock import Clock
from agent.net.driver import Driver
from agent.presence.calls import same_calls
from agent.presence.packages import DIALOG
from agent.presence.publication import PublishRequest, Refused, Removed, Stored, decide
from agent.presence.records import OWN_PUBLISHER, Publication
from agent.server.authenticate import Identity
from agent.server.config import ServerConfig
from agent.server.replies import Replies
from agent.sip.flows import Flow
from agent.sip.messages import Request, Response
from agent.sip.server_transactions import ServerTransaction
from agent.sip.values import address_of_record, parse_event, parse_seconds
from agent.store.errors import StoreUnavailable, UnstorableRow
from agent.store.protocols import PresenceStore

log = logging.getLogger(__name__)


class PublishHandler:
    def __init__(
        self,
        driver: Driver,
        store: PresenceStore,
        clock: Clock,
        config: ServerConfig,
        replies: Replies,
        new_token: Callable[[], str],
        check_body: Callable[[str, bytes, str | None], str | None],
        count: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        """``check_body(package, body, charset)`` says what is wrong with a body, or None."""
        self._driver = driver
        self._store = store
        self._clock = clock
        self._config = config
        self._replies = replies
        self._new_token = new_token
        self._check_body = check_body
        self._count = count

    def __call__(
        self, request: Request, transaction: ServerTransaction, flow: Flow, identity: Identity | None
    ) -> Response | None:
        to = self._replies.to
        assert identity is not None
        presentity = address_of_record(request.uri)
        if not self._config.may_publish(identity.aor, identity.trusted, presentity):
            return to(request, 403, "Not Your Presence")
        try:
            event = parse_event(request.headers.get("Event") or "")
        except ValueError:
            return self._replies.bad_event(request)
        package = self._config.packages.get(event.package)
        if package is None or not package.publish_types:
            return self._replies.bad_event(request)
        if request.optional_body and request.content_type not in package.publish_types:
            request.without_body()
        if len(request.body) > self._config.max_body:
            return to(request, 413)
        expires: int | None = None
        if (header := request.headers.get("Expires")) is not None:
            try:
                expires = parse_seconds(header)
            except ValueError:
                return to(request, 400, "Bad Expires Header")
        if_match = request.headers.get("SIP-If-Match")
        publisher = identity.aor
        wish = PublishRequest(
            presentity=presentity,
            publisher=publisher,
            rank=self._config.ranks.get(publisher, self._config.default_rank),
            if_match=tuple(part.strip() for part in if_match.split(",")) if if_match is not None else None,
            expires=expires,
            content_type=request.content_type,
            body=request.body,
            charset=request.charset,
        )
        store = self._store
        outcome = decide(
            wish,
            package,
            lambda tag: store.publication(presentity, package.name, tag),
            lambda body: self._check_body(package.name, body, request.charset),
            self._new_token,
            self._clock.wall(),
            lambda body: self._forgotten(wish, package.name),
        )
        if isinstance(outcome, Refused):
            return to(request, outcome.status, outcome.reason, list(outcome.headers))
        if isinstance(outcome, Stored) and if_match is None and self._has_enough(presentity, package.name):
            return to(request, 503, "Too Many Publications", [("Retry-After", "60")])
        try:
            if isinstance(outcome, Removed):
                tag, granted, changed = outcome.entity_tag, 0, outcome.publication is not None
                self._remove(outcome.publication)
            else:
                tag, granted, changed = outcome.publication.entity_tag, outcome.expires, outcome.changed
                store.put_publication(outcome.publication)
        except UnstorableRow as error:
            return to(request, 400, str(error))
        if changed:
            store.note_change(presentity, package.name)
        response = to(request, 200, headers=[("SIP-ETag", tag), ("Expires", str(granted))])
        ours = publisher == OWN_PUBLISHER
        store.when_durable(lambda error: self._answer(error, request, transaction, response, ours))
        return None

    def _forgotten(self, wish: PublishRequest, package: str) -> Publication | None:
        if package != DIALOG.name:
            return None
        now = self._clock.wall()
        rows = self._store.publications(wish.presentity, package)
        own = [row for row in rows if row.publisher == wish.publisher and row.expires_at > now]
        return same_calls(wish.body, wish.stored_type, own) if own else None

    def _has_enough(self, presentity: str, package: str) -> bool:
        stored = self._store.publications(presentity, package)
        return len(stored) >= self._config.max_publications_per_presentity

    def _remove(self, publication: Publication | None) -> None:
        if publication is not None:
            self._store.remove_publication(publication.id)

    def _answer(
        self,
        error: StoreUnavailable | None,
        request: Request,
        transaction: ServerTransaction,
        response: Response,
        ours: bool,
    ) -> None:
        """``ours``: the store keeps in memory what it could not write (`agent.store.undo`)."""
        if error is not None and not ours:
            # RFC 3903 §6: a failure inside is a 5xx, and the old state stands.
            response = self._replies.to(request, 503, headers=[("Retry-After", "5")])
        self._count("PUBLISH", response.status)
        self._driver.respond(transaction, response)
        self._driver.pump_soon()
