"""What the body of a NOTIFY says, in words for people and as plain data for programs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.documents import dialog_info, pidf
from agent.documents.data_model import Person
from agent.documents.pidf import Presence
from agent.documents.rpid import Activities
from agent.presence.dialog_table import DialogTable, Heard
from agent.sip.notification import Notification


@dataclass(frozen=True, slots=True)
class Shown:
    """``state``: ``open``, ``closed``, ``unknown``; for calls the states of the dialogs."""

    state: str
    activities: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    since: datetime | None = None


class Reader:
    """What the bodies of one subscription say, one after the other: dialogs may be told in parts."""

    def __init__(self) -> None:
        self.wants_full = False
        "A part is missing: the subscription should be refreshed for the full state."
        self._dialogs = DialogTable()

    def read(self, notification: Notification) -> Shown | None:
        """None: a kind of document that is not read here. Raises DocumentError for one that is broken."""
        if notification.content_type == pidf.CONTENT_TYPE:
            return of_presence(pidf.parse(notification.body))
        if notification.content_type == dialog_info.CONTENT_TYPE:
            self._dialogs, heard = self._dialogs.take(dialog_info.parse(notification.body))
            self.wants_full = heard is Heard.GAP
            return of_dialogs(self._dialogs)
        return None


def of_dialogs(table: DialogTable) -> Shown:
    """The states of the calls there are; ``no call`` only when nothing is missing."""
    states = ", ".join(sorted({dialog.state for dialog in table.dialogs.values()}))
    return Shown(states or ("no call" if table.complete else "unknown"))


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
