"""The dialogs of one address as a subscriber knows them, put together from full and partial documents. Pure.

One table for each subscription to the package `dialog` (RFC 4235 §4.3), given the documents in the order of the
NOTIFYs' CSeq, as `agent.sip.subscriber` hands them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType

from agent.documents.dialog_info import Dialog, DialogInfo, Participant


class Heard(Enum):
    """What became of a document."""

    TAKEN = auto()
    GAP = auto()
    "Taken, but one before it is missing: ask for the full state by refreshing the subscription."
    OLD = auto()
    "Thrown away: the table knows a later one."


@dataclass(frozen=True, slots=True)
class DialogTable:
    """A value: `take` gives the next one."""

    version: int | None = None
    "Of the last document; None: none has come."
    complete: bool = False
    "False until a full document has come, and again after a gap: what is not listed is unknown then, not idle."
    dialogs: Mapping[str, Dialog] = field(default_factory=lambda: MappingProxyType({}))
    "By id, those that are not over."

    def take(self, info: DialogInfo, *, one_each: bool = False) -> "tuple[DialogTable, Heard]":
        """The table after one more document. ``one_each``: a full one that holds a dialog tells of this one only."""
        full = info.state == "full"
        # COMPAT(Kamailio pua, several PBXs): a full state under the same number every time. It comes in a later NOTIFY,
        # so it is no older.
        if self.version is not None and info.version < self.version + (not full):
            return self, Heard.OLD
        # COMPAT(FreeSWITCH): a document for each channel, and each calls itself full.
        rows = {} if full and not (one_each and info.dialogs) else dict(self.dialogs)
        for dialog in info.dialogs:
            known = rows.pop(dialog.id, None)
            # COMPAT(several): a dialog without a state that is known says nothing.
            if dialog.state and dialog.state != "terminated":
                rows[dialog.id] = _updated(known, dialog) if known is not None else dialog
            elif not dialog.state and known is not None:
                rows[dialog.id] = known
        follows = self.version is not None and info.version <= self.version + 1
        complete = full or (self.complete and follows)
        table = DialogTable(info.version, complete, MappingProxyType(rows))
        return table, Heard.TAKEN if complete else Heard.GAP

    def forgotten(self) -> "DialogTable":
        """After a NOTIFY without a document.

        COMPAT(Kamailio 5.6): so it says that nobody publishes the address's dialogs, or no longer.
        """
        return DialogTable()


def _updated(known: Dialog, told: Dialog) -> Dialog:
    """A row with what a later document says of it; what it leaves out is as before (§4.3)."""
    return replace(
        told,
        direction=told.direction or known.direction,
        call_id=told.call_id or known.call_id,
        local_tag=told.local_tag or known.local_tag,
        remote_tag=told.remote_tag or known.remote_tag,
        local=_side(known.local, told.local),
        remote=_side(known.remote, told.remote),
    )


def _side(known: Participant | None, told: Participant | None) -> Participant | None:
    if known is None or told is None:
        return told or known
    return replace(told, identity=told.identity or known.identity, target=told.target or known.target)
