"""The head of a subscription's NOTIFYs, rendered once: at ten o'clock there is one for every lamp."""

from functools import lru_cache

from agent.presence.records import Subscription
from agent.sip.flows import Flow
from agent.sip.routing import request_path, sent_by, via_start


class NotifyHead:
    """Three texts; between them go the branch, the CSeq and the Subscription-State."""

    __slots__ = ("_after_branch", "_after_cseq", "_before_branch", "sent_by")

    def __init__(self, before_branch: str, after_branch: str, after_cseq: str, sent_by: str) -> None:
        self._before_branch = before_branch
        self._after_branch = after_branch
        self._after_cseq = after_cseq
        self.sent_by = sent_by
        "Our address as the Via names it."

    @classmethod
    def make(cls, row: Subscription, flow: Flow) -> "NotifyHead":
        """RFC 3261 §12.2.1.1: target and route set of the dialog; RFC 6665 §4.2.2: Event as subscribed."""
        uri, route_lines = row.remote_target, ""
        if row.route_set:
            uri, routes, _ = request_path(uri, row.route_set)
            route_lines = "".join([f"Route: {value}\r\n" for value in routes])
        event = row.package if row.event_id is None else f"{row.package};id={row.event_id}"
        return NotifyHead(
            _before_branch(uri, via_start(flow)),
            f";rport\r\nMax-Forwards: 70\r\n{route_lines}"
            f"From: {row.local_uri};tag={row.local_tag}\r\nTo: {row.remote_uri};tag={row.remote_tag}\r\n"
            f"Call-ID: {row.call_id}\r\nCSeq: ",
            _after_cseq(row.contact, event),
            sent_by(flow),
        )

    @property
    def length(self) -> int:
        """Bytes of the head, roughly: branch, CSeq, state and what is said of the body are guessed."""
        return len(self._before_branch) + len(self._after_branch) + len(self._after_cseq) + 150

    def render(self, branch: str, cseq: int, state: str, tail: bytes) -> bytes:
        """The whole message. ``tail``: from Content-Type to the end of the body."""
        head = f"{self._before_branch}{branch}{self._after_branch}{cseq}{self._after_cseq}{state}\r\n"
        return head.encode("utf-8", "surrogateescape") + tail


# Whoever watches many people is written to at one address, and nearly everybody hears of the same event from the same
# Contact: these texts are in memory, and in the processor's caches, once.


@lru_cache(maxsize=4096)
def _before_branch(uri: str, via: str) -> str:
    return f"NOTIFY {uri} SIP/2.0\r\nVia: {via};branch="


@lru_cache(maxsize=1024)
def _after_cseq(contact: str, event: str) -> str:
    return f" NOTIFY\r\nContact: {contact}\r\nEvent: {event}\r\nSubscription-State: "
