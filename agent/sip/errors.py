"""What can be wrong with a message. Each error knows the status that the peer should be told."""

from collections.abc import Sequence

from agent.sip.headers import Headers


class MessageError(ValueError):
    """A message that can't be used. ``status`` is what to answer if it was a request that can be answered.

    ``headers`` holds what could be read of it, so that the response can copy Via, From, To, Call-ID and CSeq.

    ``method`` is that of the start line, if it could be read: an ACK is never answered.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Headers | None = None,
        is_request: bool = True,
        method: str | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.method = method
        self.reason = reason
        self.headers = headers
        self.is_request = is_request


class StreamError(ValueError):
    """A stream whose framing is lost (RFC 3261 §18.3): answer ``error`` if that is possible, then close.

    ``complete`` is what could still be read before.
    """

    def __init__(self, error: MessageError, complete: Sequence[object] = ()) -> None:
        super().__init__(str(error))
        self.error = error
        self.complete = complete
