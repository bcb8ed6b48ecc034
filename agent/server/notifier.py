"""The notifier (RFC 6665 §4.2.2): follows the store's change feed and tells each watcher the newest state.

One NOTIFY is in flight per subscription; what changes meanwhile is merged into the next one. The document comes
ready rendered from `views`, the head of each subscription's NOTIFY from `notify_head`; sending one is joining them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from agent.clock import Clock
from agent.net.driver import Driver
from agent.net.user_agent import LARGE
from agent.presence.records import Change, Subscription
from agent.presence.subscription import RETRY_AFTER, Fate, Reason, fate_of, subscription_state, terminated
from agent.server.admission import Admission
from agent.server.config import ServerConfig
from agent.server.next_hops import NextHops
from agent.server.notify_credentials import NotifyCredentials
from agent.server.notify_head import NotifyHead
from agent.server.notify_queue import NotifyQueue
from agent.server.told import ToldRecord
from agent.server.views import PLAIN_DIALOGS, View, Views
from agent.server.watch import Numbers, Watch, Watches, usual_flow
from agent.sip.endpoint import Failure, ResponseReceived
from agent.sip.flows import Flow, Transport
from agent.sip.values import parse_seconds
from agent.store.errors import StoreUnavailable
from agent.store.protocols import PresenceStore

log = logging.getLogger(__name__)


class Notifier:
    def __init__(
        self,
        driver: Driver,
        store: PresenceStore,
        clock: Clock,
        config: ServerConfig,
        views: Views,
        next_hops: NextHops,
        on_sent: Callable[[float], None],
        admission: Admission,
        credentials: NotifyCredentials,
    ) -> None:
        """``on_sent(seconds)``: from the write that caused a NOTIFY to its sending."""
        self._driver = driver
        self._store = store
        self._clock = clock
        self._config = config
        self._views = views
        self._next_hops = next_hops
        self._on_sent = on_sent
        self._admission = admission
        self._credentials = credentials
        self._living = Watches(self)
        self.watches = self._living.by_id
        self._queue = NotifyQueue(self._send, driver.pump, clock)
        self._owe = self._queue.owe
        self._gone_callbacks: list[Callable[[Subscription], None]] = []
        self.told = ToldRecord(
            store, config.packages, clock, self.watches, views.boundary, lambda: bool(self._queue)
        )
        store.changes.subscribe(self.on_changes)

    # -- from the handlers ---------------------------------------------------------------------------------------

    def on_gone(self, callback: Callable[[Subscription], None]) -> None:
        """``callback(row)`` when a stored subscription has ended, whatever the reason."""
        self._gone_callbacks.append(callback)

    def begin(self, row: Subscription, flow: Flow) -> None:
        """A new subscription: its first NOTIFY."""
        watch = self._living.new(row, flow)
        self._owe(watch, self._clock.wall(), force=True)

    def refresh(self, row: Subscription, flow: Flow) -> None:
        """A refreshed one: the full state again (RFC 6665 §4.2.1.2), to where the Contact now points."""
        watch = self.watches.get(row.id)
        if watch is not None:
            watch.end_pause()
        way = usual_flow(row, flow)
        reconnected = way is not None and watch is not None and watch.flow != way
        if watch is None or (
            watch.in_flight and (watch.row.remote_target != row.remote_target or reconnected)
        ):
            # What is in flight to where the watcher no longer is must hold nothing up, and decide nothing. It may be
            # elsewhere by its Contact, or by a new connection: the old one may have died without a word. Anywhere else
            # two in flight would let an older CSeq arrive after a newer one.
            watch = self._living.new(row, flow)
        watch.row, watch.flow, watch.head, watch.media_type = row, way, None, ""
        watch.datagrams_only = False
        self._owe(watch, self._clock.wall(), force=True)

    def fetch(self, row: Subscription, flow: Flow) -> None:
        """A fetch (§4.4.3): one NOTIFY with the state, and nothing is kept."""
        watch = Watch(self, row, flow)
        watch.final = (terminated(Reason.TIMEOUT), Numbers(1, 0))
        self._owe(watch, self._clock.wall(), force=True)

    def reserve_final(self, row: Subscription) -> Numbers:
        """What the last NOTIFY needs; ask before the row is removed. From then on no other is sent."""
        return self._next_numbers(row)

    def moved(self, row: Subscription) -> None:
        """Its state is another: pending or active. That is told at once, with what the watcher may see now."""
        watch = self._living.of(row)
        watch.row = row
        watch.end_pause()
        self._owe(watch, self._clock.wall(), force=True)

    def look_again(self, row: Subscription, at: float) -> None:
        """What the watcher may see may be another thing since ``at`` (wall clock)."""
        self._owe(self._living.of(row), at)

    def go_on(self, row: Subscription) -> None:
        """The end of a subscription could not be made durable: its row is back."""
        self._owe(self._living.of(row), self._clock.wall())

    def end(self, row: Subscription, reason: Reason, numbers: Numbers, flow: Flow | None = None) -> None:
        """The subscription is over and its row gone: say so with the last NOTIFY."""
        watch = self._living.taken(row.id) or Watch(self, row, flow)
        watch.row, watch.head = row, None
        watch.flow = usual_flow(row, flow) or watch.flow
        watch.end_pause()
        watch.final = (terminated(reason), numbers)
        self._gone(row)
        self._owe(watch, self._clock.wall(), force=True)

    # -- from the store ------------------------------------------------------------------------------------------

    def on_changes(self, changes: Sequence[Change]) -> None:
        """What was committed; everybody who watches is owed the newest state."""
        for change in changes:
            self.state_changed(change.presentity, change.at)

    def state_changed(self, presentity: str, at: float) -> None:
        """The presentity's document may be another since ``at`` (wall clock)."""
        self._views.forget(presentity)
        self.told.changed(presentity)
        store = self._store
        for package in self._config.packages:
            if not store.watchers(presentity, package):
                continue
            for row in store.subscriptions(presentity, package):
                watch = self.watches.get(row.id)
                # One that is not on record yet has no watch: its first NOTIFY comes after its 200.
                if watch is not None:
                    self._owe(watch, at)

    def resume(self) -> None:
        """After a start: everybody who was watching hears the true state, unless it is what they know already."""
        now = self._clock.wall()
        rows = self._store.all_subscriptions()
        self.told.resume({row.presentity for row in rows})
        for row in rows:
            self._owe(self._living.of(row), now)

    def close(self) -> None:
        """Connections that close now say nothing of watchers: whoever starts next goes on with all of them."""
        self.told.close()
        self._living.clear()

    # -- sending -------------------------------------------------------------------------------------------------

    def _send(self, watch: Watch, now: float, monotonic: float) -> None:
        row, final = watch.row, watch.final
        if final is None and not watch.live:
            return  # ended while it waited
        package = self._config.packages[row.package]
        if not watch.media_type:
            watch.media_type = package.notified_type(row.accept)
        dialogs = self._config.dialog_view(row) if package.versioned else PLAIN_DIALOGS
        view = self._admission.instead(row, watch.media_type) or self._views.view(
            row.presentity, row.package, watch.media_type, dialogs
        )
        if final is None:
            on_record = watch.sent is None and self.told.knows(row, view)
            if on_record:
                watch.sent = view
            if watch.sent is not None:
                if watch.sent.body == view.body:
                    watch.changed_at = None
                    if not on_record:
                        # What was on record went with the change that turned out to be none.
                        self.told.answered(row.presentity)
                    return  # the watcher knows
                if (package.versioned or self._config.minimum_interval) and self._too_soon(watch, view):
                    return
                self.told.outdated(row.presentity)
        flow, head = watch.flow, watch.head
        if flow is None or not self._next_hops.usable(flow):
            flow, head = self._next_hops.find(row, partial(self._found, watch)), None
            if flow is None:
                watch.in_flight = True
                return
        if head is None:
            head = NotifyHead.make(row, flow)
            watch.flow, watch.head = flow, head
        if self._config.large_notify_over_tcp and self._wants_stream(watch, flow, len(view.body)):
            return
        endpoint = self._driver.endpoint
        if final is not None:
            state, (cseq, version) = final
        else:
            try:
                cseq = self._store.next_cseq(row.id)
            except KeyError:
                return  # about to be ended
            state = subscription_state(row.expires_at, now, row.state)
            version = self._store.next_version(row.id) if package.versioned else 0
        branch = endpoint.new_branch()
        tail = view.tail(version)
        if watch.signature is not None:
            tail = watch.signature.lines(row, tail) + tail
        data = head.render(branch, cseq, state, tail)
        watch.in_flight = True
        watch.sent = view
        if watch.changed_at is not None:
            self._on_sent(max(0.0, now - watch.changed_at))
            watch.changed_at = None
        watch.sent_at = monotonic
        endpoint.send_prepared(branch, "NOTIFY", data, flow, head.sent_by, watch, monotonic)
        if final is not None:
            self._forget_unwatched(row.presentity)

    def _wants_stream(self, watch: Watch, flow: Flow, body: int) -> bool:
        """Whether it is to travel over TCP for its size (RFC 3261 §18.1.1); if so, a connection is being opened."""
        size = body + (watch.head.length if watch.head is not None else 0)
        if size <= LARGE or flow.transport is not Transport.UDP or watch.datagrams_only:
            return False

        def found(stream: Flow | None) -> None:
            watch.datagrams_only = stream is None
            self._found(watch, stream or flow)

        watch.in_flight = True
        self._next_hops.find_stream(flow, found)
        return True

    def _too_soon(self, watch: Watch, view: View) -> bool:
        """Whether the watcher has just been told something (RFC 3856 §6.10); if so, the newest state goes later.

        What a SUBSCRIBE asks for and what ends a subscription never waits, nor does a phone that rings.
        """
        interval = self._config.interval_before(watch.row.package, view.body)
        if interval <= 0.0:
            return False
        wait = watch.sent_at + interval - self._clock.monotonic()
        if wait > 0:
            watch.paused = asyncio.get_running_loop().call_later(wait, self._retry, watch)
            watch.may_ring = self._config.packages[watch.row.package].versioned
        return wait > 0

    def _next_numbers(self, row: Subscription) -> Numbers:
        versioned = self._config.packages[row.package].versioned
        return Numbers(self._store.next_cseq(row.id), self._store.next_version(row.id) if versioned else 0)

    def _found(self, watch: Watch, flow: Flow | None) -> None:
        """The next hop was looked up or connected to."""
        watch.in_flight = False
        if flow is None:
            watch.changed_at = None
            self.unanswered(watch, Failure.TRANSPORT)
            self._forget_unwatched(watch.row.presentity)
            return
        watch.flow, watch.head = flow, None
        self._owe(watch, self._clock.wall())

    # -- answers -------------------------------------------------------------------------------------------------

    def answered(self, watch: Watch, status: int, event: ResponseReceived) -> None:
        """The final response to a NOTIFY."""
        watch.in_flight = watch.reconnected = False
        if status == 503 and self._elsewhere(watch):
            return
        self._next_hops.settled(watch.row)
        if status in (401, 407) and self._signed_again(watch, event):
            return
        if watch.final is not None:
            self._finish(watch)
            return
        if not watch.live:
            return  # ended, or sent to an address that the watcher has left
        fate = fate_of(status)
        if fate is Fate.KEEP and watch.signature is not None:
            watch.signature.accepted()
        if fate is Fate.REMOVE:
            log.info("%s no longer watches %s (%d)", watch.row.watcher, watch.row.presentity, status)
            self._drop(watch)
        elif fate is Fate.KEEP_AND_RETRY:
            watch.sent = None
            try:
                delay = parse_seconds(event.response.headers.get("Retry-After") or "")
            except ValueError:
                delay = RETRY_AFTER
            watch.paused = asyncio.get_running_loop().call_later(delay, self._retry, watch)
        elif watch.changed_at is not None:
            self._owe(watch, watch.changed_at)
        else:
            self.told.answered(watch.row.presentity)

    def _signed_again(self, watch: Watch, event: ResponseReceived) -> bool:
        """After a challenge: whether the NOTIFY is on its way again, with credentials and the next CSeq."""
        signature = self._credentials.challenged(watch.signature, event.response)
        if signature is None:
            return False
        watch.signature = signature
        if watch.final is not None:
            state, numbers = watch.final
            watch.final = (state, numbers._replace(cseq=numbers.cseq + 1))
        elif not watch.live:
            return False
        self._owe(watch, self._clock.wall(), force=True)
        return True

    def unanswered(self, watch: Watch, cause: Failure) -> None:
        """Nobody answered a NOTIFY: the watcher is gone (RFC 6665 §4.2.2), or its connection is."""
        watch.in_flight = False
        if self._elsewhere(watch):
            return
        if watch.final is not None:
            self._finish(watch)
            return
        if not watch.live:
            return
        lost = cause is Failure.TRANSPORT and watch.flow is not None and watch.flow.connection
        if lost and not watch.reconnected:
            # The connection that carried the SUBSCRIBE is gone; its Contact may still be reachable. Only once: what
            # answers there may be anything, and hang up again and again.
            watch.flow, watch.sent, watch.reconnected = None, None, True
            self._owe(watch, self._clock.wall())
            return
        log.info(
            "%s does not answer; its subscription to %s is over", watch.row.watcher, watch.row.presentity
        )
        self._drop(watch)

    def _elsewhere(self, watch: Watch) -> bool:
        """Whether the NOTIFY is on its way to another place that the watcher's name stands for (RFC 3263 §4.3)."""
        if watch.final is None and not watch.live:
            self._next_hops.settled(watch.row)
            return False
        if not self._next_hops.find_next(watch.row, partial(self._found, watch)):
            return False
        watch.in_flight, watch.sent = True, None
        return True

    def _finish(self, watch: Watch) -> None:
        """After an answer to what may not have been the last NOTIFY yet."""
        if watch.changed_at is not None:
            self._owe(watch, watch.changed_at, force=True)

    def _retry(self, watch: Watch) -> None:
        watch.paused, watch.may_ring = None, False
        self._owe(watch, self._clock.wall())

    def _drop(self, watch: Watch) -> None:
        """End without a word. If the store can't, the row is back, and the next change finds out again."""
        if not watch.live:
            return
        self._living.taken(watch.row.id)
        watch.end_pause()

        def removed(error: StoreUnavailable | None) -> None:
            if error is None:
                self._gone(watch.row)
            elif (row := self._store.subscription(watch.row.id)) is not None:
                self._living.of(row)

        self._store.remove_subscription(watch.row.id)
        self._store.when_durable(removed)

    def _gone(self, row: Subscription) -> None:
        for callback in self._gone_callbacks:
            callback(row)
        self._forget_unwatched(row.presentity)

    def _forget_unwatched(self, presentity: str) -> None:
        """Views are kept for as long as somebody watches: anybody may ask about any address."""
        if not any(self._store.watchers(presentity, package) for package in self._config.packages):
            self._views.forget(presentity)
            self.told.unwatched(presentity)

    @property
    def owed(self) -> int:
        """NOTIFYs waiting for their turn."""
        return len(self._queue)
