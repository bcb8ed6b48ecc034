"""Stands before everything: says no without keeping anything, so that a flood costs no memory and little time."""

from collections.abc import Callable
from functools import partial
from typing import Final

from agent.presence.admission import Load, Thresholds, is_admitted, retry_after, urgency
from agent.server.flood_guard import FloodGuard
from agent.sip.endpoint import SILENCE, Refusal
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request

ANSWERED_PER_SECOND: Final = 10.0
ANSWERED_BURST: Final = 50
"Refusals told to one address; a sender that goes on beyond them is not answered at all."

LEAVING_RETRY: Final = "2"
"Seconds in which a successor is there."


class Gatekeeper:
    """Give it to the endpoint as its ``gate``.

    ``trusts(flow)``: nobody counts what comes from there. ``load()``: how it stands. ``before(now)`` is called
    first of all. ``count(method, status)`` is told of each answer.
    """

    def __init__(
        self,
        trusts: Callable[[Flow], bool],
        guard: FloodGuard,
        load: Callable[[], Load],
        thresholds: Thresholds,
        before: Callable[[float], None],
        count: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        self._trusts = trusts
        self._guard = guard
        self._answers = FloodGuard(ANSWERED_PER_SECOND, ANSWERED_BURST)
        self._load = load
        self._thresholds = thresholds
        self._before = before
        self._count = count
        self.leaving = False
        "Nothing new is taken on, and over UDP no word said of it: who asks again finds the successor."

    def __call__(self, request: Request, flow: Flow, now: float) -> Refusal | None:
        """None: let it in. ``now``: monotonic."""
        self._before(now)
        if self.leaving:
            # Over a stream nothing is sent again by itself.
            stays_lost = flow.transport.reliable and flow.transport is not Transport.MEMORY
            return Refusal(503, [("Retry-After", LEAVING_RETRY)]) if stays_lost else SILENCE
        if flow.transport is Transport.MEMORY:
            return None  # our own decisions are what all this is for
        host = flow.remote[0]
        if not self._trusts(flow) and not self._guard.admit(host, now):
            return self._refused(request, host, now, self._guard.retry_after())
        if not is_admitted(partial(urgency, request), self._load(), self._thresholds):
            return self._refused(request, host, now, retry_after(request.call_id))
        return None

    def _refused(self, request: Request, host: str, now: float, seconds: int) -> Refusal:
        if not self._answers.admit(host, now):
            return SILENCE
        self._count(request.method, 503)
        return Refusal(503, [("Retry-After", str(seconds))])
