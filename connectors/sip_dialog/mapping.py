"""What was notified → facts. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.calls import CallSeen
from connectors.facts import CallState, ReachState
from connectors.sip import Dialog, Presence

_STATES = {
    "trying": CallState.RINGING,
    "proceeding": CallState.RINGING,
    "early": CallState.RINGING,
    "confirmed": CallState.TALKING,
}


def calls_of(dialogs: Iterable[Dialog], now: datetime) -> list[CallSeen]:
    """One for each dialog that is not over.

    Held comes before the state: COMPAT(FreeSWITCH) shows a held call as `early`. COMPAT(Asterisk): `held` means that
    the other side holds, and `confirmed` without a direction can be a call of one's own that still rings.
    """
    return [_call(dialog, now) for dialog in dialogs]


def _call(dialog: Dialog, now: datetime) -> CallSeen:
    if dialog.held:
        state = CallState.HELD
    elif dialog.focus and dialog.state == "confirmed":
        state = CallState.CONFERENCE
    else:
        state = _STATES.get(dialog.state, CallState.TALKING)
    began = now - timedelta(seconds=dialog.duration) if dialog.duration is not None else None
    return CallSeen(state, dialog.direction, dialog.remote, began)


def reach_of(presence: Presence) -> ReachState | None:
    """Whether the phone is there. None: nothing is said of it.

    COMPAT(Asterisk): `closed` is a phone that is not registered; one that is busy stays `open`.
    """
    return {"open": ReachState.REGISTERED, "closed": ReachState.OFFLINE}.get(presence.basic or "")
