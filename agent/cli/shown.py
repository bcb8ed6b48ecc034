"""What the body of a NOTIFY says, in words for people and as plain data for programs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.documents import dialog_info, pidf
from agent.documents.data_model import Person
from agent.documents.pidf import Presence
from agent.documents.rpid import Activities


@dataclass(frozen=True, slots=True)
class Shown:
    """``state``: ``open``, ``closed``, ``unknown``; for calls the states of the dialogs."""

    state: str
    activities: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    since: datetime | None = None


def read_body(content_type: str | None, body: bytes) -> Shown | None:
    """None: a kind of document that is not read here. Raises DocumentError for one that is broken."""
    if content_type == pidf.CONTENT_TYPE:
        return of_presence(pidf.parse(body))
    if content_type == "application/dialog-info+xml":
        dialogs = dialog_info.parse(body).dialogs
        return Shown(", ".join(sorted({str(each.state) for each in dialogs})) or "no call")
    return None


def of_presence(presence: Presence) -> Shown:
    """Open as soon as one service is; notes each once, the person's first."""
    basics = {each.status.basic for each in presence.tuples}
    state = "open" if "open" in basics else "closed" if "closed" in basics else "unknown"
    notes = [note for person in presence.persons for note in person.notes]
    notes += [note for each in presence.tuples for note in each.notes]
    notes += presence.notes
    moments = [person.timestamp for person in presence.persons]
    moments += [each.timestamp for each in presence.tuples]
    return Shown(
        state,
        tuple(dict.fromkeys(_activities(presence.persons))),
        tuple(dict.fromkeys(note.text for note in notes if note.text)),
        max((moment for moment in moments if moment is not None), default=None),
    )


def _activities(persons: Iterable[Person]) -> Iterable[str]:
    for person in persons:
        for element in person.elements:
            if isinstance(element, Activities):
                yield from element.values
                if element.other is not None:
                    yield element.other.text or "other"


def line_of(shown: Shown, now: datetime) -> str:
    """``closed  meeting  "In a meeting until 11:00"  since 10:00:00``"""
    parts = [f"{shown.state:<7}"]
    if shown.activities:
        parts.append(", ".join(shown.activities))
    parts += [f'"{note}"' for note in shown.notes]
    if shown.since is not None:
        local = shown.since.astimezone(now.tzinfo)
        form = "%H:%M:%S" if local.date() == now.date() else "%Y-%m-%d %H:%M"
        parts.append(f"since {local:{form}}")
    return "  ".join(parts)
