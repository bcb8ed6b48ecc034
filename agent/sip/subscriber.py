"""A subscription from the watcher's side (RFC 6665 §4.1): a machine without I/O, clock or randomness.

The shell asks `next_action`; when it gets a `Subscribe` it sends that and tells the outcome with `response` or
`failed`. What comes in goes to `notify`, whose status it answers at once. ``now`` is monotonic seconds. Challenges
(401, 407) are answered above it: one that arrives here means that the credentials are wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.sip.dialogs import Dialog
from agent.sip.dialogs import Sequence as Order
from agent.sip.digest import MAX_ATTEMPTS
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.notification import Notification, read_notification
from agent.sip.patience import Spread, backoff, refresh_after, seconds_in
from agent.sip.values import parse_event

TIMER_N = 32.0
"Seconds that a first NOTIFY may take (64·T1, §4.1.2.4)."
AT_ONCE_INTERVAL = 5.0
"Seconds between subscriptions that the server may make us begin without a pause."
DESTROYING = frozenset((404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604))
"Answers to a SUBSCRIBE in a dialog that end the subscription (RFC 5057 §5.1)."
_TRANSIENT = frozenset((408, 480, 481, 491))
_PERMANENT = frozenset((501, 505, 513))
_FOR_GOOD = frozenset(("rejected", "noresource", "invariant"))
_AT_ONCE = frozenset(("deactivated", "timeout"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to subscribe to, and as whom. ``expires`` 0 is a fetch: one look at the state (§4.4.3)."""

    uri: str
    "The Request-URI."
    from_: str
    "A From value without tag: ``<sip:bob@example.org>``."
    contact: str
    "A Contact value."
    event: str = "presence"
    accept: tuple[str, ...] = ("application/pidf+xml",)
    expires: int = 3600


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Send this now."""

    request: Request
    next_hop: str | None
    "Where a dialog says that its requests go; None: where the Request-URI leads."


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before ``until``; None: not before an input."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing will come any more. ``status``: the response that refused it, if one did. ``reason``: for people."""

    reason: str
    status: int | None = None
    refused: bool = False
    "False: it ended as it was asked to, or nobody answered."


class Phase(StrEnum):
    UNSENT = "unsent"
    "No dialog; a SUBSCRIBE is due or under way."
    NOTIFY_WAIT = "notify wait"
    "A 2xx has come and no NOTIFY yet."
    RUNNING = "running"
    LEAVING = "leaving"
    "Our ``Expires: 0`` is under way, or its last NOTIFY is."
    ENDED = "ended"


class Subscriber:
    """One subscription, and the next one when it is lost."""

    def __init__(self, wanted: Wanted, token: Callable[[], str], spread: Spread, now: float) -> None:
        """``token()``: fresh and unguessable."""
        self.wanted = wanted
        self.phase = Phase.UNSENT
        self.trouble = ""
        "Why there is no subscription now, for people; empty when all is well."
        self._token = token
        self._spread = spread
        self._expires = wanted.expires
        self._event = parse_event(wanted.event)
        self._ended: Ended | None = None
        self._stopping = False
        self._failures = 0
        self._not_before = now
        self._begun_anew_at = now - AT_ONCE_INTERVAL
        self._refetched_at = now - AT_ONCE_INTERVAL
        self._begin()

    def _begin(self) -> None:
        """A new Call-ID and From tag: whatever belonged to the last subscription is a stranger now (§4.1.2.2)."""
        self.phase = Phase.UNSENT
        self.call_id = self._token()
        self._tag = self._token()
        self._first: Request | None = None
        self._dialog: Dialog | None = None
        self._outstanding = False
        self._notify_by: float | None = None
        self._refresh_at = 0.0
        self._expires_at = 0.0

    # -- what to do ----------------------------------------------------------------------------------------------

    def next_action(self, now: float) -> Subscribe | Wait | Ended:
        """A `Subscribe` is handed out once, and then its outcome is waited for."""
        if self._ended is not None:
            return self._ended
        if self._outstanding:
            # Timers that are due meanwhile have their say when the outcome is known.
            return Wait(None)
        if self._notify_by is not None and now >= self._notify_by:
            self._no_notify(now)
        if self.phase is Phase.RUNNING and now >= self._expires_at:
            self._lose("the subscription ran out before the server answered a refresh", now)
        if self._ended is not None:
            return self._ended
        if self.phase is Phase.UNSENT:
            if self._stopping:
                return self._end("unsubscribed")
            return Wait(self._not_before) if now < self._not_before else self._subscribe(now)
        if self._dialog is None or self.phase is Phase.LEAVING:
            return Wait(self._notify_by)
        if self._stopping:
            self.phase, self._notify_by = Phase.LEAVING, now + TIMER_N
            return self._in_dialog(self._dialog, 0)
        due = max(self._refresh_at, self._not_before)
        if now < due:
            return Wait(min(due, self._expires_at))
        return self._in_dialog(self._dialog, self._expires)

    def stop(self) -> None:
        """Unsubscribe; ends with the last NOTIFY, or without it when none comes."""
        self._stopping = True

    def refetch(self, now: float) -> None:
        """Refresh soon, for the full state that follows each SUBSCRIBE (RFC 6665 §4.2.1.2).

        Not sooner than some seconds after the last time: no server may make us spin.
        """
        if self.phase is Phase.RUNNING:
            self._refresh_at = min(self._refresh_at, max(now, self._refetched_at + AT_ONCE_INTERVAL))
            self._refetched_at = self._refresh_at

    def _subscribe(self, now: float) -> Subscribe:
        headers = Headers(
            [
                ("Max-Forwards", "70"),
                ("From", f"{self.wanted.from_};tag={self._tag}"),
                ("To", f"<{self.wanted.uri}>"),
                ("Call-ID", self.call_id),
                ("CSeq", "1 SUBSCRIBE"),
                *self._own_headers(self._expires),
            ]
        )
        self._first = Request("SUBSCRIBE", self.wanted.uri, headers)
        self._outstanding, self._notify_by = True, now + TIMER_N
        return Subscribe(self._first, None)

    def _in_dialog(self, dialog: Dialog, expires: int) -> Subscribe:
        self._dialog, request = dialog.request("SUBSCRIBE", self._own_headers(expires))
        self._outstanding = True
        return Subscribe(request, self._dialog.next_hop)

    def _own_headers(self, expires: int) -> list[tuple[str, str]]:
        return [
            ("Contact", self.wanted.contact),
            ("Event", self.wanted.event),
            ("Accept", ", ".join(self.wanted.accept)),
            ("Expires", str(expires)),
        ]

    # -- outcomes ------------------------------------------------------------------------------------------------

    def response(self, request: Request, response: Response, now: float) -> None:
        """The final response. ``request`` as it was sent last: answering challenges raises the CSeq."""
        if not self._settle(request):
            return
        if self._first is not None and self._dialog is None:
            self._first = request
        elif self._dialog is not None and request.cseq.number > self._dialog.local_cseq:
            self._dialog = replace(self._dialog, local_cseq=request.cseq.number)
        if 200 <= response.status < 300:
            self._accepted(response, now)
        elif self._stopping:
            self._end("unsubscribed")
        elif self._dialog is not None:
            self._refresh_failed(response, now)
        else:
            self._notify_by = None
            self._refused(response, now)

    def failed(self, request: Request, cause: str, now: float) -> None:
        """No response came. ``cause`` is for people: ``no answer``."""
        if not self._settle(request):
            return
        if self._stopping:
            self._end(f"unsubscribed, but {cause}")
        elif self._dialog is None:
            self._lose(cause, now)
        else:
            # The old subscription lives until its end (§4.1.2.2). Attempts with credentials may have used up numbers.
            self._dialog = replace(self._dialog, local_cseq=self._dialog.local_cseq + MAX_ATTEMPTS)
            self._back_off(cause, now)

    def _settle(self, request: Request) -> bool:
        """Whether the outcome is of this subscription, and not of one that has been given up meanwhile."""
        if not self._outstanding or self._ended is not None or request.call_id != self.call_id:
            return False
        self._outstanding = False
        return True

    def _accepted(self, response: Response, now: float) -> None:
        granted = seconds_in(response.headers, "Expires")
        if self.phase is Phase.LEAVING:
            return
        lifetime = self._expires if granted is None else min(granted, self._expires)
        self._last_until(lifetime, now)
        self._not_before = now
        if self._dialog is None:
            self.phase = Phase.NOTIFY_WAIT
        else:
            self._all_is_well()

    def _refresh_failed(self, response: Response, now: float) -> None:
        if response.status in DESTROYING:
            self._begin()
            self._refused(response, now, was_running=True)
        elif response.status == 423:
            self._longer(response, now)
        else:
            wait = seconds_in(response.headers, "Retry-After")
            self._back_off(f"{response.status} {response.reason}", now, wait)

    def _refused(self, response: Response, now: float, was_running: bool = False) -> None:
        status = response.status
        cause = f"{status} {response.reason}"
        wait = seconds_in(response.headers, "Retry-After")
        if status == 423:
            self._begin()
            self._longer(response, now)
        elif status == 481 and was_running:
            # The server has forgotten us; it may have restarted.
            self._begin_anew(cause, now)
        elif status in _TRANSIENT or wait is not None or (500 <= status < 600 and status not in _PERMANENT):
            self._lose(cause, now, wait)
        else:
            self._end(cause, status, refused=True)

    def _longer(self, response: Response, now: float) -> None:
        least = seconds_in(response.headers, "Min-Expires") or 0
        if least <= self._expires:
            self._end("423 without a longer lifetime than we asked for", 423, refused=True)
        else:
            self._expires, self._refresh_at, self._not_before = least, now, now

    # -- NOTIFY --------------------------------------------------------------------------------------------------

    def notify(self, request: Request, now: float) -> tuple[int, Notification | None]:
        """(status to answer at once, what it said if it is new and ours). Raises nothing: 400 for what can't be read.

        It may come before the 2xx (§4.1.2.4). One from another notifier that the SUBSCRIBE was forked to gets 481: a
        presence watcher keeps one dialog (RFC 3856 §6.9).
        """
        try:
            if not self.is_ours(request):
                return 481, None
            event = parse_event(request.headers.get("Event") or "")
            if (event.package, event.id) != (self._event.package, self._event.id):
                return 489, None
            notification = read_notification(request)
            dialog, order = self._dialog_of(request)
        except ValueError:
            return 400, None
        if order is Order.OUT_OF_ORDER:
            return 500, None
        self._dialog, self._notify_by = dialog, None
        self._take(notification, now)
        return 200, notification

    def is_ours(self, request: Request) -> bool:
        """Whether a NOTIFY belongs to this subscription. Raises ValueError for unreadable headers."""
        if self._first is None or self.phase is Phase.ENDED or request.call_id != self.call_id:
            return False
        return request.to.tag == self._tag and (
            self._dialog is None or request.from_.tag == self._dialog.remote_tag
        )

    def _dialog_of(self, request: Request) -> tuple[Dialog, Order]:
        if self._dialog is not None:
            return self._dialog.take_request(request)
        assert self._first is not None
        # The NOTIFY makes the dialog, not the 2xx: behind a forking proxy they may come from different notifiers.
        return Dialog.as_uac(self._first, request), Order.NEXT

    def _take(self, notification: Notification, now: float) -> None:
        if self.wanted.expires == 0:
            self._end("fetched")
            return
        if notification.state == "terminated":
            self._terminated(notification, now)
            return
        if self._expires_at == 0.0:
            self._last_until(self._expires, now)
        # It may shorten the lifetime (§4.1.2.4). The same lifetime told again must not move the refresh: with a NOTIFY
        # every second it would never be due.
        if notification.expires is not None and now + notification.expires < self._expires_at - 1.0:
            self._last_until(notification.expires, now)
        if self.phase is Phase.LEAVING:
            self._notify_by = now + TIMER_N
        else:
            self.phase = Phase.RUNNING
            self._all_is_well()

    def _terminated(self, notification: Notification, now: float) -> None:
        """§4.1.3: what each reason asks of the subscriber."""
        reason = notification.reason or "no reason given"
        if self._stopping:
            self._end("unsubscribed")
        elif notification.reason in _FOR_GOOD:
            self._end(f"the server ended the subscription: {reason}", refused=True)
        elif notification.reason in _AT_ONCE:
            self._begin_anew(f"the server ended the subscription: {reason}", now)
        else:
            self._lose(f"the server ended the subscription: {reason}", now, notification.retry_after)

    # -- endings -------------------------------------------------------------------------------------------------

    def _last_until(self, lifetime: int, now: float) -> None:
        self._expires_at = now + lifetime
        self._refresh_at = now + refresh_after(lifetime, self._spread)

    def _all_is_well(self) -> None:
        if self.phase is Phase.RUNNING:
            self._failures, self.trouble = 0, ""

    def _no_notify(self, now: float) -> None:
        """Timer N, or the last NOTIFY after our unsubscribing did not come."""
        self._notify_by = None
        if self._stopping:
            self._end("unsubscribed, but the server sent no last NOTIFY")
        elif self.phase is not Phase.RUNNING:
            self._lose("the server accepted but sent no NOTIFY; can it reach our address?", now)

    def _begin_anew(self, cause: str, now: float) -> None:
        """The next subscription at once, unless that has just been done: no server may make us spin."""
        if now - self._begun_anew_at < AT_ONCE_INTERVAL:
            self._lose(cause, now)
            return
        self._begin()
        self._begun_anew_at, self._not_before, self.trouble = now, now, cause

    def _lose(self, cause: str, now: float, retry_after: int | None = None) -> None:
        """There is no subscription any more; the next one begins after a while."""
        self._begin()
        self._back_off(cause, now, retry_after)

    def _back_off(self, cause: str, now: float, retry_after: int | None = None) -> None:
        self._not_before = now + backoff(self._failures, self._spread, retry_after)
        self._failures += 1
        self.trouble = cause

    def _end(self, reason: str, status: int | None = None, refused: bool = False) -> Ended:
        self.phase = Phase.ENDED
        self._ended = Ended(reason, status, refused)
        return self._ended
