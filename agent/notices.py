"""What NOTIFYs tell connectors, read: documents become `connectors.sip.Notice`. Pure.

This is the layer in which the ways of Asterisk, Kamailio, FreeSWITCH and phones are evened out.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from agent.documents import dialog_info, pidf
from agent.documents.dialog_info import DialogInfo, Participant
from agent.documents.errors import DocumentError
from agent.documents.rpid import Activities
from agent.presence.dialog_table import DialogTable, Heard
from agent.sip.messages import Request
from agent.sip.notification import Notification
from connectors.sip import Dialog, Notice, Presence

RINGS_AT_MOST = timedelta(minutes=5)
"""COMPAT(FreeSWITCH): after the end of a call it sometimes says once more that it rings, and never takes that back.
Where each document tells of one call only, a ring that has not been heard of for so long is over."""
_DIRECTIONS = {"recipient": "in", "initiator": "out"}


class NoticeReader:
    """One for each subscription that a connector has; a new dialog of the subscription begins anew."""

    def __init__(self, event: str, one_dialog_each: bool | None = None) -> None:
        self.wants_full = False
        "A part is missing: the subscription should be refreshed for the full state."
        self._event = event.partition(";")[0].strip().lower()
        self._one_each = one_dialog_each
        self._table = DialogTable()
        self._call_id: str | None = None
        self._told_at: dict[str, datetime] = {}
        "When each dialog was last told of, by id."

    def read(self, notification: Notification, request: Request, now: datetime) -> Notice:
        """``request``: the NOTIFY itself. Raises nothing: what can't be read is named in ``problem``."""
        self.wants_full = False
        if request.call_id != self._call_id:
            self._call_id, self._table = request.call_id, DialogTable()
        media_type, body = notification.content_type, notification.body
        problem: str | None = None
        dialogs: tuple[Dialog, ...] | None = None
        presence: Presence | None = None
        try:
            if self._event == "dialog":
                dialogs, problem = self._dialogs(body, _is_freeswitch(request), now)
            elif media_type == pidf.CONTENT_TYPE:
                presence = _presence(pidf.parse(body))
        except DocumentError as error:
            problem = f"a document that can't be read: {error}"
        return Notice(now, media_type, body, dialogs, presence, problem)

    def _dialogs(
        self, body: bytes, freeswitch: bool, now: datetime
    ) -> tuple[tuple[Dialog, ...] | None, str | None]:
        if not body.strip():
            # COMPAT(Kamailio 5.6): nobody has published a call of this address, or none any more. No error.
            self._table = self._table.forgotten()
            return (), None
        info = dialog_info.parse(body)
        if info.version == 0 and info.state == "full":
            # COMPAT(several): a server that was restarted counts from 0 in the subscription that it has kept.
            self._table = DialogTable()
        info, problem = self._with_states(info)
        one_each = freeswitch if self._one_each is None else self._one_each
        self._table, heard = self._table.take(info, one_each=one_each)
        self.wants_full = heard is Heard.GAP
        if one_each:
            self._forget_old_rings(info, now)
        if not self._table.complete:
            return None, problem
        return tuple(_dialog(each) for each in self._table.dialogs.values()), problem

    def _forget_old_rings(self, info: DialogInfo, now: datetime) -> None:
        rows = self._table.dialogs
        told = dict.fromkeys((each.id for each in info.dialogs), now)
        self._told_at = {key: told.get(key) or self._told_at.get(key, now) for key in rows}
        kept = {
            key: row
            for key, row in rows.items()
            if row.state == "confirmed" or now - self._told_at[key] < RINGS_AT_MOST
        }
        self._table = replace(self._table, dialogs=MappingProxyType(kept))

    def _with_states(self, info: DialogInfo) -> tuple[DialogInfo, str | None]:
        """A dialog in a state that nobody knows is some call: better a lit lamp than a dark one."""
        strange = [each for each in info.dialogs if not each.state and each.id not in self._table.dialogs]
        if not strange:
            return info, None
        told = tuple(replace(each, state="confirmed") if each in strange else each for each in info.dialogs)
        return (
            replace(info, dialogs=told),
            "a dialog in a state that RFC 4235 doesn't know; it counts as a call",
        )


def _is_freeswitch(request: Request) -> bool:
    return (request.headers.get("User-Agent") or "").lower().startswith("freeswitch")


def _dialog(dialog: dialog_info.Dialog) -> Dialog:
    remote = dialog.remote.identity if dialog.remote is not None else None
    return Dialog(
        dialog.state,
        _DIRECTIONS.get(dialog.direction or ""),
        # COMPAT(FreeSWITCH): a held call is `early`; whoever looks at the state first takes it for a ringing one.
        held=_param(dialog.local, "+sip.rendering") == "no",
        focus=_param(dialog.local, "isfocus") not in (None, "no"),
        remote=remote.uri if remote is not None else None,
        duration=dialog.duration,
    )


def _param(side: Participant | None, name: str) -> str | None:
    """In lower case."""
    target = side.target if side is not None else None
    found = (value for key, value in (target.params if target is not None else ()) if key.lower() == name)
    value = next(found, None)
    return value.lower() if value is not None else None


def _presence(document: pidf.Presence) -> Presence:
    basics = {each.status.basic for each in document.tuples}
    notes = [*document.notes, *(note for each in document.tuples for note in each.notes)]
    notes += [note for person in document.persons for note in person.notes]
    activities = [
        value
        for person in document.persons
        for element in person.elements
        if isinstance(element, Activities)
        for value in element.values
    ]
    return Presence(
        "open" if "open" in basics else "closed" if "closed" in basics else None,
        tuple(dict.fromkeys(note.text for note in notes if note.text)),
        tuple(dict.fromkeys(activities)),
    )
