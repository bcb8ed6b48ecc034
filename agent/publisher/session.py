"""One publication from the publisher's side (RFC 3903 §4): a machine without I/O, clock or randomness.

The shell asks `next_action`; when it gets a `Publish` it sends that and tells the outcome with `response` or `failed`,
and until then gets nothing more to send. ``now`` is monotonic seconds. Challenges (401, 407) are answered above it: one
that arrives here means that the credentials are wrong.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from agent.sip.headers import Headers
from agent.sip.patience import LONGEST_RETRY_AFTER, Spread, backoff, refresh_after, seconds_in

STOPPED_RETRY = 600.0
"Seconds until a request is tried again that somebody has to put right first."
_TRANSIENT = frozenset((408, 480, 481, 482, 483, 486, 491, 600))
_PERMANENT = frozenset((501, 505, 513))
_ABOUT_THE_BODY = frozenset((400, 413, 415, 513))
_ADVICE = {
    400: "the server can't use our request; see the wire log",
    401: "user name or password refused",
    402: "the server demands payment",
    403: "not allowed to publish for this person; check the credentials and the server's permissions",
    404: "the server doesn't know this person; create the account there, or correct the address",
    405: "the server takes no publications; name a presence server as the target",
    407: "user name or password refused by the proxy",
    413: "the document is too large for the server",
    415: "the server doesn't take PIDF documents",
    420: "the server demands an extension that we lack",
    489: "the server has no presence service; name a presence server as the target",
    501: "the server takes no publications; name a presence server as the target",
}


class Kind(StrEnum):
    """RFC 3903 §4.1, table 1."""

    INITIAL = "initial"
    REFRESH = "refresh"
    MODIFY = "modify"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Publish:
    """Send this now."""

    kind: Kind
    if_match: str | None
    expires: int
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before ``until``; None: not before an input."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody has to act on ``reason``; tried again at ``until`` all the same."""

    reason: str
    until: float


class State(StrEnum):
    IDLE = "idle"
    "There is nothing to publish, and nothing is published."
    PENDING = "pending"
    "Not yet confirmed by the server."
    PUBLISHED = "published"
    RETRYING = "retrying"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Health:
    """``reason`` is for people, empty when all is well. ``since``: when this state began."""

    state: State
    reason: str
    since: float
    failures: int
    "Attempts in a row that came to nothing."


class Session:
    """The publication of one presentity at one server."""

    def __init__(self, expires: int, spread: Spread, now: float) -> None:
        """``expires``: seconds to ask for."""
        self.expires = expires
        self.entity_tag: str | None = None
        self.expires_at: float | None = None
        "When the server drops the publication unless it is refreshed."
        self._spread = spread
        self._decided = False
        "Before the first `desire` nothing is known to be wrong with what a former run has published."
        self._desired: bytes | None = None
        self._published: bytes | None = None
        "The state that the server holds; None: none, or not known."
        self._tag_is_restored = False
        self._refresh_at = 0.0
        self._not_before = 0.0
        self._body_is_refused = False
        "What the server refused was the document, so that another one needs no waiting."
        self._outstanding: Publish | None = None
        self._health = Health(State.IDLE, "", now, 0)

    @property
    def health(self) -> Health:
        return self._health

    def restore(self, entity_tag: str, expires_at: float) -> None:
        """Go on with the tag of a former run: the first request is a modification under it (§4.2)."""
        self.entity_tag, self.expires_at, self._tag_is_restored = entity_tag, expires_at, True

    def desire(self, body: bytes | None, now: float) -> None:
        """The full state that watchers should see, or None to remove the publication. The last one counts."""
        if self._body_is_refused and body != self._desired:
            self._body_is_refused, self._not_before = False, now
        self._decided, self._desired = True, body
        if body is not None and self._health.state is State.IDLE:
            self._set_health(State.PENDING, "", now)

    def next_action(self, now: float) -> Publish | Wait | Stopped:
        """What to do now. A `Publish` is handed out once, and then its outcome is waited for."""
        if self._outstanding is not None:
            return Wait(None)
        if self.entity_tag is not None and self.expires_at is not None and now >= self.expires_at:
            self._forget()
        if not self._decided:
            return Wait(self.expires_at)
        if self._desired is None and self.entity_tag is None:
            self._set_health(State.IDLE, "", now)
            return Wait(None)
        if now < self._not_before:
            if self._health.state is State.STOPPED:
                return Stopped(self._health.reason, self._not_before)
            return Wait(self._not_before)
        kind = self._wanted(now)
        if kind is None:
            return Wait(self._refresh_at)
        self._outstanding = Publish(
            kind,
            self.entity_tag,
            0 if kind is Kind.REMOVE else self.expires,
            self._desired if kind in (Kind.INITIAL, Kind.MODIFY) else None,
        )
        return self._outstanding

    def _wanted(self, now: float) -> Kind | None:
        if self._desired is None:
            return Kind.REMOVE
        if self.entity_tag is None:
            # A server that gives no tag (against §6) can only be sent the whole state again.
            stale = self._published != self._desired or now >= self._refresh_at
            return Kind.INITIAL if stale else None
        if self._published != self._desired:
            return Kind.MODIFY
        return Kind.REFRESH if now >= self._refresh_at else None

    # -- outcomes ------------------------------------------------------------------------------------------------

    def response(self, status: int, headers: Headers, now: float) -> None:
        """The final response to the `Publish` that was handed out last."""
        sent, self._outstanding = self._outstanding, None
        if sent is None:
            return
        self._body_is_refused = status in _ABOUT_THE_BODY and sent.body is not None
        if 200 <= status < 300:
            self._accepted(sent, headers, now)
        elif status == 412 and sent.if_match is not None:
            self._forget()
        elif status in (400, 500) and sent.if_match is not None and self._tag_is_restored:
            # COMPAT(Kamailio 5.6): 500 instead of 412 for a tag that isn't of its own form.
            self._forget()
        elif status == 423:
            self._too_brief(sent, headers, now)
        elif status == 503:
            self._back_off(
                "503: the server is overloaded or in maintenance", now, seconds_in(headers, "Retry-After")
            )
        elif status in _TRANSIENT or (500 <= status < 600 and status not in _PERMANENT):
            self._back_off(f"{status} from the server", now)
        elif 300 <= status < 400:
            contact = ", ".join(headers.values("Contact")) or "nowhere"
            self._stop(f"{status}: the server points elsewhere ({contact}); name that as the target", now)
        else:
            self._stop(f"{status}: {advice(status)}", now, seconds_in(headers, "Retry-After"))

    def failed(self, cause: str, now: float) -> None:
        """No response came. ``cause`` is for people: ``no answer``."""
        self._outstanding = None
        self._back_off(cause, now)

    def _accepted(self, sent: Publish, headers: Headers, now: float) -> None:
        self._not_before = 0.0
        self._tag_is_restored = False
        if sent.kind is Kind.REMOVE:
            self._forget()
            self._set_health(State.IDLE if self._desired is None else State.PENDING, "", now)
            return
        granted = seconds_in(headers, "Expires")
        lifetime = min(granted, sent.expires) if granted is not None else sent.expires
        if lifetime == 0:
            self._forget()
            self._back_off("the server granted no lifetime", now)
            return
        # The tag is a new one after every 2xx (§4.1).
        self.entity_tag = headers.get("SIP-ETag")
        self.expires_at = now + lifetime
        self._refresh_at = now + refresh_after(lifetime, self._spread)
        if sent.body is not None:
            self._published = sent.body
        self._set_health(State.PUBLISHED, "", now)

    def _too_brief(self, sent: Publish, headers: Headers, now: float) -> None:
        least = seconds_in(headers, "Min-Expires") or 0
        if sent.kind is Kind.REMOVE or least <= sent.expires:
            self._stop(
                f"423: the server refuses a lifetime of {sent.expires} s without naming a longer one", now
            )
        else:
            self.expires = least

    def _forget(self) -> None:
        """The server holds nothing of ours: next comes an initial publication with the full state (§4.3, §11.2.2)."""
        self.entity_tag = self.expires_at = self._published = None
        self._tag_is_restored = False

    def _back_off(self, reason: str, now: float, retry_after: int | None = None) -> None:
        failures = self._health.failures
        self._not_before = now + backoff(failures, self._spread, retry_after)
        self._set_health(State.RETRYING, reason, now, failures + 1)

    def _stop(self, reason: str, now: float, retry_after: int | None = None) -> None:
        self._not_before = now + max(STOPPED_RETRY, min(float(retry_after or 0), LONGEST_RETRY_AFTER))
        self._set_health(State.STOPPED, reason, now, self._health.failures + 1)

    def _set_health(self, state: State, reason: str, now: float, failures: int = 0) -> None:
        since = self._health.since if state is self._health.state else now
        self._health = Health(state, reason, since, failures)


def advice(status: int) -> str:
    """What a person can do about a refusal."""
    return _ADVICE.get(status, "the server refuses the publication")
