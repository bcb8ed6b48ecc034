"""Signed requests are believed once."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from agent.web.ingress.destinations import Destination
from agent.web.ingress.refusal import Refusal
from connectors.signatures import BadSignature

REMEMBERED = 16_384
"Signatures; whoever wants a replay has to get that many others signed first, within the tolerance."


class Replays:
    """Remembers the signatures of what was taken, for as long as their time stamps are good."""

    def __init__(self) -> None:
        self._taken: OrderedDict[tuple[str, str], float] = OrderedDict()

    def check(
        self, destination: Destination, headers: Mapping[str, str], raw: bytes, now: datetime
    ) -> tuple[str, str] | None:
        """What to `remember` once the request is taken; None: nothing. Raises Refusal: 401, 409.

        Without a time stamp a replay can't be told from the same news again, and does no more harm than that.
        """
        signature = destination.reception.signature
        if signature is None or destination.secret is None:
            return None
        try:
            signature.check(destination.secret, headers, raw, now)
        except BadSignature as error:
            raise Refusal(401, str(error)) from None
        if not signature.has_timestamp:
            return None
        key = destination.source, headers[signature.header.lower()]
        if self._taken.get(key, 0.0) > now.timestamp():
            raise Refusal(409, "this very request was taken already")
        return key

    def remember(self, destination: Destination, key: tuple[str, str], now: datetime) -> None:
        """It was taken. A request that failed may come again."""
        signature = destination.reception.signature
        assert signature is not None
        # Its time stamp may lie in the future as far as in the past.
        self._taken[key] = now.timestamp() + 2 * signature.tolerance.total_seconds()
        self._taken.move_to_end(key)
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
