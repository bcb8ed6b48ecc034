"""What the notifier keeps in memory of one subscription, beside its row."""

import asyncio
from typing import NamedTuple, Protocol

from agent.presence.records import Subscription
from agent.server.notify_credentials import Signature
from agent.server.notify_head import NotifyHead
from agent.server.views import View
from agent.sip.endpoint import Failure, ResponseReceived, TransactionFailed
from agent.sip.flows import Flow


class Answers(Protocol):
    """Who hears what became of a watch's NOTIFYs."""

    def answered(self, watch: "Watch", status: int, event: ResponseReceived) -> None: ...

    def unanswered(self, watch: "Watch", cause: Failure) -> None: ...


class Numbers(NamedTuple):
    """Of one NOTIFY: its CSeq, and the version of its document if the package has versions."""

    cseq: int
    version: int


class Watch:
    """A live subscription, or one whose last NOTIFY is still to be sent; the owner of its NOTIFY transactions."""

    __slots__ = (
        "changed_at",
        "datagrams_only",
        "final",
        "flow",
        "head",
        "in_flight",
        "live",
        "may_ring",
        "media_type",
        "notifier",
        "paused",
        "queued",
        "reconnected",
        "row",
        "sent",
        "sent_at",
        "signature",
    )

    def __init__(self, notifier: Answers, row: Subscription, flow: Flow | None) -> None:
        self.notifier = notifier
        self.row = row
        self.flow = usual_flow(row, flow)
        "Where NOTIFYs leave; None: to be found."
        self.head: NotifyHead | None = None
        self.live = False
        "It is the one that stands for its subscription; false for one that ends or was replaced."
        self.media_type = ""
        "Of its documents, once it is known. Asked for each NOTIFY, like ``live``."
        self.in_flight = False
        "A NOTIFY, or the search for where to send it, is under way."
        self.paused: asyncio.TimerHandle | None = None
        "Until when the watcher asked to be left alone."
        self.may_ring = False
        "The pause is for pacing only, and a call that comes in would end it."
        self.queued = False
        self.reconnected = False
        "Its connection broke under a NOTIFY, which is on its way again."
        self.datagrams_only = False
        "It does not take TCP, so that even large documents go over UDP."
        self.changed_at: float | None = None
        "Since when (wall clock) the watcher is owed a newer state."
        self.sent: View | None = None
        "What the watcher was last told."
        self.sent_at = 0.0
        "When (monotonic)."
        self.signature: Signature | None = None
        "The watcher's side has challenged NOTIFYs, and these are the answers."
        self.final: tuple[str, Numbers] | None = None
        "Subscription-State and numbers of the NOTIFY that ends the subscription."

    def end_pause(self) -> None:
        """Whatever the watcher asked for, it may be told again."""
        self.may_ring = False
        if self.paused is not None:
            self.paused.cancel()
            self.paused = None

    def on_response(self, event: ResponseReceived) -> None:
        self.notifier.answered(self, event.status, event)

    def on_failure(self, event: TransactionFailed) -> None:
        self.notifier.unanswered(self, event.cause)


class Watches:
    """Those that live, one for each subscription."""

    def __init__(self, notifier: Answers) -> None:
        self._notifier = notifier
        self.by_id: dict[str, Watch] = {}

    def new(self, row: Subscription, flow: Flow | None) -> Watch:
        """In the place of another one, if there is."""
        self.taken(row.id)
        watch = self.by_id[row.id] = Watch(self._notifier, row, flow)
        watch.live = True
        return watch

    def of(self, row: Subscription) -> Watch:
        return self.by_id.get(row.id) or self.new(row, None)

    def taken(self, subscription_id: str) -> Watch | None:
        """It lives no longer."""
        watch = self.by_id.pop(subscription_id, None)
        if watch is not None:
            watch.live = False
        return watch

    def clear(self) -> None:
        for watch in self.by_id.values():
            watch.live = False
        self.by_id.clear()


def usual_flow(row: Subscription, flow: Flow | None) -> Flow | None:
    """The connection that carried the SUBSCRIBE, if the watcher is its other end; None: go by Contact or Route.

    COMPAT(baresip, twinkle, Sofia, pjsua, libpurple over TCP and TLS): they name their listening port in Contact, which
    may not be reachable. But behind a record-routing proxy the connection is the proxy's, and the route counts.
    """
    if flow is None or not flow.connection or row.route_set:
        return None
    if row.remote_target[:5].lower() == "sips:" and not flow.transport.secure:
        return None  # RFC 3261 §26.2.2: over TLS, wherever the SUBSCRIBE came from
    return flow
