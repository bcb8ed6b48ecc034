"""Events and participants of the Call Control API, and the board of all calls that they make. Pure.

An event only says that something about a participant has changed; what it is now has to be asked. Events are numbered,
and a number that is missing means that the whole has to be asked.
"""

import json
import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from connectors.calls import CallSeen
from connectors.errors import BadData
from connectors.facts import CallState

_ENTITY = re.compile(r"/callcontrol/([^/]{1,40})/participants/(\d{1,12})")

STATES = {
    "dialing": CallSeen(CallState.RINGING, "out"),
    "ringing": CallSeen(CallState.RINGING, "in"),
    "connected": CallSeen(CallState.TALKING),
    "held": CallSeen(CallState.HELD),
    "onhold": CallSeen(CallState.HELD),
}


class EventType(IntEnum):
    """`event_type`; others are about tones and prompts."""

    UPSET = 0
    REMOVE = 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something about a participant of an extension's calls has changed."""

    sequence: int | None
    type: EventType
    extension: str
    participant: int

    @property
    def path(self) -> str:
        return f"/callcontrol/{self.extension}/participants/{self.participant}"


def event(text: str) -> Event | None:
    """None: it is about something else. Raises BadData."""
    document = _json(text)
    inner = document.get("event") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(inner, dict):
        raise BadData("no `event`")
    entity = _ENTITY.fullmatch(str(inner.get("entity", "")))
    if entity is None or inner.get("event_type") not in (EventType.UPSET, EventType.REMOVE):
        return None
    sequence = document.get("sequence")
    return Event(
        sequence if isinstance(sequence, int) else None,
        EventType(inner["event_type"]),
        entity[1],
        int(entity[2]),
    )


def sequence_of(text: str) -> int | None:
    """Of any event, whatever it is about."""
    document = _json(text)
    found = document.get("sequence") if isinstance(document, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


@dataclass(slots=True)
class Board:
    """Who takes part in which call: extension -> participant -> the call as it is seen from there."""

    _calls: dict[str, dict[int, CallSeen]] = field(default_factory=dict)

    def calls(self, extension: str) -> tuple[CallSeen, ...]:
        return tuple(self._calls.get(extension, {}).values())

    def replace(self, whole: bytes) -> None:
        """The answer to ``GET /callcontrol``: every extension with its participants. Raises BadData."""
        document = _json(whole)
        if not isinstance(document, list):
            raise BadData("the answer is no list of extensions")
        calls: dict[str, dict[int, CallSeen]] = {}
        for row in document:
            extension = row.get("dn") if isinstance(row, dict) else None
            if not isinstance(extension, str):
                continue
            members = row.get("participants")
            for member in members if isinstance(members, list) else ():
                found = _participant(member)
                if found is not None:
                    calls.setdefault(extension, {})[found[0]] = found[1]
        self._calls = calls

    def put(self, extension: str, answer: bytes) -> None:
        """The answer to a question about one participant. Raises BadData."""
        found = _participant(_json(answer))
        if found is None:
            raise BadData("the answer is no participant")
        self._calls.setdefault(extension, {})[found[0]] = found[1]

    def remove(self, extension: str, participant: int) -> None:
        self._calls.get(extension, {}).pop(participant, None)


def _participant(document: Any) -> tuple[int, CallSeen] | None:
    number = document.get("id") if isinstance(document, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    # Other states than these are not documented; whatever they are, the extension is in a call.
    seen = STATES.get(str(document.get("status", "")).replace(" ", "").lower(), CallSeen(CallState.TALKING))
    remote = document.get("party_caller_id") or document.get("party_dn")
    return number, CallSeen(seen.state, seen.direction, remote if isinstance(remote, str) else None)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadData("3CX does not speak JSON here") from None
