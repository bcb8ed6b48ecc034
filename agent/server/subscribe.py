"""SUBSCRIBE (RFC 6665 §4.2.1): makes, refreshes and ends subscriptions; each 2xx is followed at once by a NOTIFY."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import blake2s
from typing import Final

from agent.clock import Clock
from agent.net.driver import Driver
from agent.presence.authorization import SubHandling, state_of
from agent.presence.dialog_choice import kept_params
from agent.presence.packages import DIALOG, EventPackage, acceptable_type
from agent.presence.records import Subscription, SubscriptionState
from agent.presence.subscription import Reason, TooBrief, grant
from agent.server.authenticate import Identity
from agent.server.config import ServerConfig
from agent.server.notifier import Notifier
from agent.server.quota import Quota
from agent.server.replies import Replies
from agent.server.watch import Numbers
from agent.sip.dialogs import Dialog
from agent.sip.flows import Flow, Transport, format_address
from agent.sip.messages import Request, Response
from agent.sip.routing import sent_by
from agent.sip.server_transactions import ServerTransaction
from agent.sip.values import Event, address_of_record, parse_event, parse_name_addr, parse_seconds
from agent.store.errors import StoreUnavailable, UnstorableRow
from agent.store.protocols import PresenceStore

log = logging.getLogger(__name__)

TAG_LENGTH: Final = 16
"Characters of `Endpoint.new_tag`."
LEAST_LEFT: Final = 10
"Seconds that a refresh is worth answering with while nothing can be written."


class SubscribeHandler:
    def __init__(
        self,
        driver: Driver,
        store: PresenceStore,
        clock: Clock,
        config: ServerConfig,
        replies: Replies,
        notifier: Notifier,
        decide: Callable[[str, str], SubHandling],
        count: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        """``decide(presentity, watcher)``: may they?"""
        self._driver = driver
        self._store = store
        self._clock = clock
        self._config = config
        self._replies = replies
        self._notifier = notifier
        self._decide = decide
        self._count = count
        self._allow_events = config.allow_events
        self._quota = Quota(
            config.max_subscriptions_per_watcher, config.max_subscriptions, store.all_subscriptions()
        )
        notifier.on_gone(lambda row: self._quota.remove(row.watcher))

    def __call__(
        self, request: Request, transaction: ServerTransaction, flow: Flow, identity: Identity | None
    ) -> Response | None:
        """Checks in the order of RFC 6665 §4.2.1 and RFC 3261 §8.2; nothing is stored after any 4xx."""
        to, headers = self._replies.to, request.headers
        first = headers.firsts()
        value = first.get("Event")
        if value is None:
            return self._replies.bad_event(request)
        try:
            event = parse_event(value)
            params = kept_params(event.params) if event.package == DIALOG.name else ""
        except ValueError:
            return to(request, 400, "Bad Event Header")
        package = self._config.packages.get(event.package)
        if package is None:
            return self._replies.bad_event(request)
        accept = tuple(headers.values("Accept"))
        if acceptable_type(accept, package.notify_types) is None:
            return to(request, 406, headers=[("Accept", ", ".join(package.notify_types))])
        try:
            expires = parse_seconds(value) if (value := first.get("Expires")) is not None else None
        except ValueError:
            return to(request, 400, "Bad Expires Header")
        contacts = headers.values("Contact")
        if len(contacts) != 1 or contacts[0] == "*":
            return to(request, 400, "Exactly One Contact Wanted")
        try:
            target = parse_name_addr(contacts[0]).uri
            address_of_record(target)
        except ValueError:
            return to(request, 400, "Bad Contact Header")
        granted = grant(expires, package.subscribe_limits)
        if isinstance(granted, TooBrief):
            return to(request, 423, headers=[("Min-Expires", str(granted.min_expires))])
        assert identity is not None
        if request.to.tag is not None:
            return self._in_dialog(request, transaction, flow, identity, event, accept, target, granted)
        return self._initial(
            request, transaction, flow, identity.aor, event, params, package, accept, target, granted
        )

    def _initial(
        self,
        request: Request,
        transaction: ServerTransaction,
        flow: Flow,
        watcher: str,
        event: Event,
        params: str,
        package: EventPackage,
        accept: tuple[str, ...],
        target: str,
        granted: int,
    ) -> Response | None:
        presentity = address_of_record(request.uri)
        state = state_of(self._decide(presentity, watcher))
        if state == "terminated":
            return self._replies.to(request, 403, "Not Allowed To Watch")  # RFC 6665 §4.2.1.3
        if (
            granted
            and (refusal := self._over_limits(request, watcher, presentity, package, state)) is not None
        ):
            return refusal
        if state == "pending":
            granted = min(granted, self._config.pending_for)
        now = self._clock.wall()
        tag = f"{int(now * 64):010x}{self._driver.endpoint.new_tag()}"
        dialog = Dialog.as_uas(request, tag, target)
        if not dialog.remote_tag:
            return self._replies.to(request, 400, "Missing From Tag")
        contact, transport, local_address = _near_end(flow.transport, flow.local, _is_secure(request, dialog))
        row = Subscription(
            id=subscription_id(dialog.call_id, dialog.local_tag, dialog.remote_tag),
            presentity=presentity,
            package=package.name,
            event_id=event.id,
            watcher=watcher,
            call_id=dialog.call_id,
            local_tag=dialog.local_tag,
            remote_tag=dialog.remote_tag,
            local_uri=dialog.local_uri,
            remote_uri=dialog.remote_uri,
            remote_target=dialog.remote_target,
            route_set=dialog.route_set,
            local_cseq=0,
            remote_cseq=dialog.remote_cseq,
            accept=accept,
            state=state,
            expires_at=now + granted,
            contact=contact,
            transport=transport,
            local_address=local_address,
            remote_address=format_address(flow.remote),
            user_agent=(request.headers.get("User-Agent") or "")[:120],
            version=0,
            created_at=now,
            event_params=params,
        )
        response = self._accepted(request, row, granted)
        if granted == 0:
            # A fetch (§4.4.3): the state once, and nothing is kept.
            self._driver.respond(transaction, response)
            self._count("SUBSCRIBE", 200)
            self._notifier.fetch(row, flow)
            return None
        try:
            self._store.put_subscription(row)
        except UnstorableRow as error:
            return self._replies.to(request, 400, str(error))
        self._quota.add(watcher)
        self._store.when_durable(partial(self._made, request, transaction, response, row, flow))
        return None

    def _made(
        self,
        request: Request,
        transaction: ServerTransaction,
        response: Response,
        row: Subscription,
        flow: Flow,
        error: StoreUnavailable | None,
    ) -> None:
        """A new subscription is durable, or was undone (``error``)."""
        if error is None:
            self._answer(transaction, response)
            self._notifier.begin(row, flow)
        else:
            self._answer(transaction, self._unavailable(request))
            self._quota.remove(row.watcher)

    def _in_dialog(
        self,
        request: Request,
        transaction: ServerTransaction,
        flow: Flow,
        identity: Identity,
        event: Event,
        accept: tuple[str, ...],
        target: str,
        granted: int,
    ) -> Response | None:
        known = self._store.subscription(
            subscription_id(request.call_id, request.to.tag or "", request.from_.tag or "")
        )
        if known is None or (known.expires_at <= self._clock.wall() and self._store.available):
            return self._replies.to(request, 481, "Subscription Does Not Exist")
        if identity.aor != known.watcher and not identity.trusted:
            return self._replies.to(request, 403, "Not Your Subscription")
        if event.package != known.package or event.id != known.event_id:
            return self._replies.to(request, 403, "Dialog Sharing Not Supported")  # RFC 6665 §4.5.2
        if request.cseq.number < known.remote_cseq:
            return self._replies.to(request, 500, "CSeq Out Of Order")  # RFC 3261 §12.2.2
        if known.state == "pending":
            left = known.created_at + self._config.pending_for - self._clock.wall()
            granted = min(granted, max(int(left), 0))
        if granted == 0:
            ended = replace(known, accept=accept, remote_target=target)
            numbers = self._notifier.reserve_final(known)
            self._store.remove_subscription(known.id)
            response = self._accepted(request, known, 0)
            self._store.when_durable(
                partial(self._ended, request, transaction, response, known, ended, numbers, flow)
            )
            return None
        row = replace(
            known,
            remote_cseq=request.cseq.number,
            remote_target=target,
            accept=accept,
            expires_at=self._clock.wall() + granted,
            remote_address=format_address(flow.remote),
            transport=flow.transport.value,
        )
        try:
            self._store.put_subscription(row)
        except UnstorableRow as error:
            return self._replies.to(request, 400, str(error))
        response = self._accepted(request, row, granted)
        fallback = self._what_is_left(request, known, row)
        self._store.when_durable(
            partial(self._refreshed, request, transaction, response, fallback, known, row, flow)
        )
        return None

    def _refreshed(
        self,
        request: Request,
        transaction: ServerTransaction,
        response: Response,
        fallback: Response | None,
        known: Subscription,
        row: Subscription,
        flow: Flow,
        error: StoreUnavailable | None,
    ) -> None:
        """A refresh is durable, or was undone. ``fallback``: the answer then, if ``known`` is worth one."""
        if error is None:
            self._answer(transaction, response)
            self._notifier.refresh(row, flow)
        elif fallback is None:
            self._answer(transaction, self._unavailable(request))
        else:
            self._answer(transaction, fallback)
            self._notifier.refresh(known, flow)

    def _ended(
        self,
        request: Request,
        transaction: ServerTransaction,
        response: Response,
        known: Subscription,
        ended: Subscription,
        numbers: Numbers,
        flow: Flow,
        error: StoreUnavailable | None,
    ) -> None:
        """The watcher's end of a subscription is durable, or was undone."""
        if error is None:
            self._answer(transaction, response)
            self._notifier.end(ended, Reason.TIMEOUT, numbers, flow)
        else:
            self._answer(transaction, self._unavailable(request))
            self._notifier.go_on(known)

    def _what_is_left(self, request: Request, known: Subscription, row: Subscription) -> Response | None:
        """The answer to a refresh that can't be written: it promises no more than what is on record already.

        None: that is too little, or the watcher has moved, which nothing has on record.
        """
        left = int(min(known.expires_at, row.expires_at) - self._clock.wall())
        if left < LEAST_LEFT or row.remote_target != known.remote_target:
            return None
        return self._accepted(request, known, left)

    def _over_limits(
        self,
        request: Request,
        watcher: str,
        presentity: str,
        package: EventPackage,
        state: SubscriptionState,
    ) -> Response | None:
        if self._quota.watcher_is_full(watcher):
            return self._replies.to(request, 403, "Too Many Subscriptions")
        busy = [("Retry-After", "60")]
        if self._quota.is_full:
            return self._replies.to(request, 503, headers=busy)
        if self._store.watchers(presentity, package.name) >= self._config.max_subscriptions_per_presentity:
            return self._replies.to(request, 503, "Too Many Watchers", headers=busy)
        if state == "pending":
            others = self._store.subscriptions(presentity, package.name)
            waiting = sum(row.state == "pending" for row in others)
            if waiting >= self._config.max_pending_per_presentity:
                return self._replies.to(request, 503, "Too Many Wait For Permission", headers=busy)
        return None

    def _accepted(self, request: Request, row: Subscription, granted: int) -> Response:
        headers = [
            ("Contact", row.contact),
            ("Expires", str(granted)),
            ("Allow-Events", self._allow_events),
        ]
        if records := request.headers.get_all("Record-Route"):
            headers[:0] = [("Record-Route", value) for value in records]
        return self._replies.to(request, 200, headers=headers, tag=row.local_tag)

    def _unavailable(self, request: Request) -> Response:
        """The store has undone it."""
        return self._replies.to(request, 503, headers=[("Retry-After", "5")])

    def _answer(self, transaction: ServerTransaction, response: Response) -> None:
        """Leaves in the loop's next turn, with the other answers of its group."""
        self._count("SUBSCRIBE", response.status)
        self._driver.respond(transaction, response)
        self._driver.pump_soon()


def subscription_id(call_id: str, local_tag: str, remote_tag: str) -> str:
    """The row's key: one subscription a dialog.

    It begins as the local tag does, with the time of its making: rows made together stand together in the database's
    index. Were the keys random, each new row would write a page of its own.
    """
    text = f"{call_id}\n{local_tag}\n{remote_tag}"
    digest = blake2s(text.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return local_tag[:-TAG_LENGTH] + digest


@lru_cache(maxsize=1024)
def _near_end(transport: Transport, local: tuple[str, int], secure: bool) -> tuple[str, str, str]:
    """(Contact, transport, address and port): ours in a dialog that came over such a flow.

    The Contact is the address and port that the watcher reached us on, over its transport (RFC 3261 §12.1.1).
    COMPAT(baresip, pjsua, Sofia over TLS): it must name the port of that transport, not the UDP one.
    """
    address = sent_by(Flow(transport, local, local))
    match transport:
        case Transport.WS | Transport.WSS:
            parameter = ";transport=ws"  # RFC 7118 §5.2 has one word for both
        case Transport.TCP | Transport.TLS if not secure:
            parameter = f";transport={transport.value}"
        case _:
            parameter = ""
    return f"<{'sips' if secure else 'sip'}:{address}{parameter}>", transport.value, address


def _is_secure(request: Request, dialog: Dialog) -> bool:
    """Whether the request's own address, the hop before us or without one its Contact is `sips:` (RFC 3261 §12.1.1)."""
    hop = dialog.route_set[0] if dialog.route_set else dialog.remote_target
    return _is_sips(request.uri) or _is_sips(hop)


def _is_sips(address: str) -> bool:
    """Of a URI, with or without a name and brackets around it."""
    if address.startswith(("<sip:", "sip:")):
        return False  # as nearly always
    return address[address.find("<") + 1 :].lstrip()[:5].lower() == "sips:"
