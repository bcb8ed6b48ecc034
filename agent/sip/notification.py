"""What one NOTIFY says about its subscription (RFC 6665 §4.1.3, §8.2.3)."""

from dataclasses import dataclass, field

from agent.sip.messages import Request
from agent.sip.patience import read_seconds
from agent.sip.values import parse_params


@dataclass(frozen=True, slots=True)
class Notification:
    """``state``: ``active``, ``pending``, ``terminated``, or an extension's, in lower case."""

    state: str
    expires: int | None
    reason: str | None
    retry_after: int | None
    content_type: str | None
    "None: there is no body."
    body: bytes = field(repr=False)
    "Empty: the state is as it was told last (RFC 3856 §6.8), or none is told."


def read_notification(request: Request) -> Notification:
    """Raises ValueError without a Subscription-State."""
    state, *rest = (request.headers.get("Subscription-State") or "").split(";")
    if not state.strip():
        raise ValueError("no Subscription-State")
    params = parse_params(rest)
    return Notification(
        state.strip().lower(),
        read_seconds(params.get("expires")),
        (params.get("reason") or "").lower() or None,
        read_seconds(params.get("retry-after")),
        request.content_type if request.body else None,
        request.body,
    )
